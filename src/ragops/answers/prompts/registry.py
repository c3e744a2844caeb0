"""Templates in MLflow's prompt registry: a new version for changed content only, loaded by alias or number.

A version stores the texts as MLflow's chat prompt, so that its pages, diffs and `PromptVersion.format` work, and the
rest of the template in tags. Nothing is registered while the newest version has the same content hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from ragops.answers.prompts.template import Template
from ragops.errors import UserError, explain, is_missing, needing
from ragops.platform.tags import CATALOG_TAG_LENGTH, MOST_PIECES, catalog_tag, from_pieces, in_pieces
from ragops.text import reason

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import PromptVersion

NEWEST = "latest"  # the alias in MLflow's own stores; Unity Catalog may not have it
HASH_TAG, REST_TAG = "content_hash", "ragops_template"
_EARLIER_REST_TAG = "ragops.template"  # in older registries on laptops; Unity Catalog does not allow dots
_TEXT_FIELDS = {"system", "user"}
# Possible errors of a workspace where the preview is disabled; the exact one is not documented.
_DISABLED_CODES = {"FEATURE_DISABLED", "ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED"}
_DISABLED = re.compile(
    r"\bnot (been )?enabled\b|\bis disabled\b|\bpreview feature\b|\b(public|private) preview\b", re.I
)

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the registry; `is_new` if this call created it."""

    name: str
    version: int
    content_hash: str
    aliases: tuple[str, ...]
    is_new: bool = False

    @property
    def uri(self) -> str:
        """The version's URI in MLflow, also used in the ledger."""
        return f"prompts:/{self.name}/{self.version}"


class SwitchedOff(UserError):
    """The workspace's prompt registry is disabled: it is a preview that an admin must enable."""


class PromptRegistry:
    """The prompts of one workspace; `named` maps a template's name to the registered one (`Workspace.registered`)."""

    def __init__(self, client: MlflowClient, named: Callable[[str], str] = str) -> None:
        """`client`: of the registry that `mlflow_store.use_mlflow` selected."""
        self._client, self._named = client, named

    def register(self, template: Template, alias: str | None = None) -> Registered:
        """Ensures that the newest version is this template, and that `alias`, if given, points to it.

        Raises:
            SwitchedOff: the registry is disabled.
            UserError: it refuses the name or the alias, is unreachable, or the template is too long for it.
        """
        newest = self.newest(template.name)
        if newest is None or newest.content_hash != template.content_hash:
            version = self._call(template.name, lambda: self._make_version(template))
            newest = _registered(version, is_new=True)
        if alias is None or alias in newest.aliases:
            return newest
        self._call(template.name, lambda: self._client.set_prompt_alias(newest.name, alias, newest.version))
        return replace(newest, aliases=tuple(sorted((*newest.aliases, alias))))

    def newest(self, name: str) -> Registered | None:
        """The newest version of a template; None if there is none."""
        version = self._call(name, lambda: self._version(name, NEWEST))
        return _registered(version) if version else None

    def load(self, name: str, which: str | int = NEWEST) -> Template:
        """Loads the template of a version, by alias or number.

        Raises:
            UserError: there is no such version, or it was not registered by ragops.
        """
        version = self._call(name, lambda: self._version(name, which))
        if version is None:
            kind = "version" if str(which).isdigit() else "alias"
            prompt = f"prompt {self._named(name)}"
            raise UserError(f"{prompt}: no {kind} {which} in the registry; run: ragops prompts register {name}")
        return _template(version)

    def adopt(self, template: Template, version: int, alias: str | None = None) -> Registered:
        """Adds our tags to a version that MLflow's optimizer registered; its texts must be the template's.

        Raises:
            UserError: as `register` does.
        """
        name = self._named(template.name)
        for key, value in _tags(template).items():
            tag = partial(self._client.set_prompt_version_tag, name, version, key, value)
            self._call(template.name, tag)
        if alias is not None:
            self._call(template.name, lambda: self._client.set_prompt_alias(name, alias, version))
        return Registered(name, version, template.content_hash, (alias,) if alias else (), is_new=True)

    def remove(self, name: str, version: int) -> None:
        """Deletes a version. Raises UserError if the registry refuses."""
        self._call(name, lambda: self._client.delete_prompt_version(self._named(name), str(version)))

    def _make_version(self, template: Template) -> PromptVersion:
        version: PromptVersion = self._client.register_prompt(
            name=self._named(template.name),
            template=[{"role": "system", "content": template.system}, {"role": "user", "content": template.user}],
            commit_message=template.description,
            response_format=_response_format(template),
            tags=_tags(template),
        )
        return version

    def _version(self, name: str, which: str | int) -> PromptVersion | None:
        # Not load_prompt: it caches aliases for a minute, and on Unity Catalog it fails on a missing one.
        from mlflow.exceptions import MlflowException

        full = self._named(name)
        try:
            return self._newest(full) if which == NEWEST else self._get(full, str(which))
        except MlflowException as error:
            if is_missing(error):
                return None
            raise

    def _get(self, full: str, which: str) -> PromptVersion | None:
        ask = self._client.get_prompt_version if which.isdigit() else self._client.get_prompt_version_by_alias
        version: PromptVersion | None = ask(full, which)
        return version

    def _newest(self, full: str) -> PromptVersion | None:
        from mlflow.exceptions import MlflowException

        try:
            number = self._newest_number(full)
        except MlflowException as error:
            # MLflow's own stores cannot search in the runtimes' versions (3.8), but have the alias.
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            number = NEWEST
        return self._get(full, number)

    def _newest_number(self, full: str) -> str:
        """The highest version number of a prompt; "0", which no version has, if there are none."""
        newest, page = 0, None
        while True:
            found = self._client.search_prompt_versions(full, page_token=page)
            # Unity Catalog's client returns the service's message, the others a list.
            versions = getattr(found, "prompt_versions", found)
            newest = max([newest, *(int(one.version) for one in versions)])
            page = getattr(found, "next_page_token", None) or getattr(found, "token", None)
            if not page:
                return str(newest)

    def _call(self, name: str, request: Callable[[], _Result]) -> _Result:
        from mlflow.exceptions import MlflowException

        full = self._named(name)
        try:
            # Unity Catalog stores prompts as functions of their schema.
            with needing("CREATE FUNCTION, EXECUTE and MANAGE", f"schema of prompt {full}"), _registry_enabled(full):
                return request()
        except MlflowException as error:
            raise UserError(f"prompt {full}: MLflow refuses: {reason(error)}; correct that and retry") from error


@contextmanager
def _registry_enabled(full: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code in _DISABLED_CODES or _DISABLED.search(str(error.message)):
            raise SwitchedOff(
                f"prompt {full}: MLflow's prompt registry is disabled in this workspace ({reason(error)}); it is a "
                "preview: ask a workspace admin to enable it under Previews"
            ) from error
        raise


def _registered(version: PromptVersion, is_new: bool = False) -> Registered:
    content_hash = version.tags.get(HASH_TAG, "")
    return Registered(version.name, version.version, content_hash, tuple(sorted(version.aliases)), is_new)


def _tags(template: Template) -> dict[str, str]:
    """Template fields that a version cannot store; also description and schema, which versions of an optimizer lack."""
    pieces = in_pieces(REST_TAG, template.model_dump(mode="json", exclude=_TEXT_FIELDS))
    if len(pieces) > MOST_PIECES:
        length, most = sum(map(len, pieces.values())), MOST_PIECES * CATALOG_TAG_LENGTH
        raise UserError(
            f"prompt template {template.name}: its fields other than system and user have {length} characters, but the "
            f"registry's tags take at most {most}; shorten the examples"
        )
    return {
        "task": template.task,
        "technique": template.technique,
        "model_family": catalog_tag(template.model_family),
        HASH_TAG: template.content_hash,
        **pieces,
    }


def _response_format(template: Template) -> dict[str, Any] | None:
    """MLflow stores it in one tag; a longer one is only in our own tags."""
    schema = template.response_schema
    return schema if schema and len(json.dumps(schema)) <= CATALOG_TAG_LENGTH else None


def _template(version: PromptVersion) -> Template:
    rest = from_pieces(REST_TAG, version.tags) or version.tags.get(_EARLIER_REST_TAG)
    if rest is None or version.is_text_prompt:
        raise UserError(f"prompt {version.uri}: was not registered by ragops; save it as a file in prompts.templates")
    texts = {turn["role"]: turn["content"] for turn in version.template if isinstance(turn, dict)}
    earlier = {"description": version.commit_message, "response_schema": version.response_format}
    try:
        return Template.model_validate(earlier | json.loads(rest) | texts)
    except json.JSONDecodeError as error:
        raise UserError(f"prompt {version.uri}: its tags {REST_TAG} are incomplete; register it again") from error
    except ValidationError as error:
        raise UserError(f"prompt {version.uri}: {explain(error.errors())}; register it again") from error
