"""MLflow's registry: what can be created, tagged and found, tried on a model and a prompt that are deleted again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from ragops.doctor.findings import Finding, look
from ragops.platform.mlflow_store import use_mlflow
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient

_LONG = "x" * 1_001  # Unity Catalog documents 1,000 characters
_PREVIEW = "an account admin has to enable the preview of the prompt registry; for rights see docs/rights.md"
Tag = Callable[[str, str], object]


def check_registry(workspace: Workspace, target: str) -> Iterator[Finding]:
    """What this client may do with models and prompts of the schema; `target` selects the store on a laptop."""
    use_mlflow(target)
    from mlflow import MlflowClient

    client = MlflowClient()
    yield from check_models(client, workspace.registered(f"doctor_model_{uuid.uuid4().hex[:8]}"))
    yield from check_prompts(client, workspace.registered(f"doctor_prompt_{uuid.uuid4().hex[:8]}"))


def check_models(client: MlflowClient, name: str) -> Iterator[Finding]:
    """Tries a new model and deletes it."""
    yield Finding("missing model", answered(lambda: client.get_registered_model(name)))
    created = look(
        "create a model", lambda: _done(client.create_registered_model(name)), "see docs/rights.md for who can"
    )
    yield created
    if created.state != "ok":
        return
    try:
        yield from _tags("model", lambda key, value: client.set_registered_model_tag(name, key, value))
    finally:
        yield _removed("model", name, lambda: client.delete_registered_model(name))


def check_prompts(client: MlflowClient, name: str) -> Iterator[Finding]:
    """Tries a new prompt and deletes it."""
    yield Finding("missing prompt", answered(lambda: client.get_prompt_version_by_alias(name, "latest")))
    created = look(
        "create a prompt", lambda: f"version {client.register_prompt(name, 'Say {{word}}').version}", _PREVIEW
    )
    yield created
    if created.state != "ok":
        return
    try:
        yield look("prompt alias", lambda: _done(client.set_prompt_alias(name, "doctor", 1)))
        yield Finding("prompt by alias latest", answered(lambda: client.get_prompt_version_by_alias(name, "latest")))
        yield look("list versions", lambda: _listed(client, name))
        yield from _tags("prompt", lambda key, value: client.set_prompt_tag(name, key, value))
        yield from _tags("version", lambda key, value: client.set_prompt_version_tag(name, "1", key, value))
    finally:
        yield _removed("prompt", name, lambda: _remove_prompt(client, name))


def answered(ask: Callable[[], object]) -> str:
    """The error code of a registry: stores differ, and our code must know all codes."""
    from mlflow.exceptions import MlflowException

    try:
        found = ask()
    except MlflowException as error:
        return f"error {error.error_code}"
    return "returns None" if found is None else "found"


def _tags(kind: str, tag: Tag) -> Iterator[Finding]:
    yield look(f"{kind} tag", lambda: _done(tag("doctor", "x")))
    yield Finding(f"{kind} tag with a dot", allowed(lambda: tag("doctor.dotted", "x")))
    yield Finding(f"{kind} tag, {len(_LONG):,} chars", allowed(lambda: tag("doctor_long", _LONG)))


def allowed(ask: Callable[[], object]) -> str:
    """Whether a registry accepts something that others refuse."""
    from mlflow.exceptions import MlflowException

    try:
        ask()
    except MlflowException as error:
        return f"refused: {error.error_code}"
    return "allowed"


def _listed(client: MlflowClient, name: str) -> str:
    found = client.search_prompt_versions(name)
    # Unity Catalog's client returns the service's message, the others a list.
    return f"{len(getattr(found, 'prompt_versions', found))} found"


def _done(_: object) -> str:
    return "allowed"


def _remove_prompt(client: MlflowClient, name: str) -> None:
    """Unity Catalog deletes only prompts without versions; other stores delete them together, or at once."""
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException):
        client.delete_prompt_version(name, "1")
    client.delete_prompt(name)


def _removed(kind: str, name: str, remove: Callable[[], object]) -> Finding:
    def removed() -> str:
        remove()
        return "deleted"

    return look(f"delete the {kind}", removed, f"delete {name} in the catalog")
