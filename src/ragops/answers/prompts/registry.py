"""Templates in MLflow's prompt registry: one version for each content, found again by alias or number.

A version holds the texts as MLflow's chat prompt (so its pages, its diffs and `PromptVersion.format` work on them), and
the rest of the template in tags. It is not registered again while the newest version has the same content hash.
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

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import PromptVersion
    from mlflow.exceptions import MlflowException

NEWEST = "latest"  # as MLflow's own stores call it; Unity Catalog need not know such an alias
HASH_TAG, REST_TAG = "content_hash", "ragops_template"
_EARLIER_REST_TAG = "ragops.template"  # in registries on laptops; Unity Catalog takes no dots
_IN_THE_VERSION = {"system", "user"}
# What a workspace may answer where the preview is off: which of these is not documented.
_OFF_CODES = {"FEATURE_DISABLED", "ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED"}
_OFF = re.compile(r"\bnot (been )?enabled\b|\bis disabled\b|\bpreview feature\b|\b(public|private) preview\b", re.I)

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the registry. `is_new` says whether this call made it."""

    name: str
    version: int
    content_hash: str
    aliases: tuple[str, ...]
    is_new: bool = False

    @property
    def uri(self) -> str:
        """What MLflow and the ledger call it."""
        return f"prompts:/{self.name}/{self.version}"


class SwitchedOff(UserError):
    """The workspace has no prompt registry: it is a preview, which an admin switches on."""


class PromptRegistry:
    """The prompts of one place; names there come from `named`, for example `Workspace.registered`."""

    def __init__(self, client: MlflowClient, named: Callable[[str], str] = str) -> None:
        """Takes a client of the registry that `workspace.use_mlflow` chose."""
        self._client, self._named = client, named

    def register(self, template: Template, alias: str | None = None) -> Registered:
        """Makes sure that the newest version is this template, and that `alias`, if given, points to it.

        Raises:
            SwitchedOff: there is no registry here.
            UserError: it refuses the name or the alias, is not to be reached, or the template is too long for it.
        """
        held = self.newest(template.name)
        if held is None or held.content_hash != template.content_hash:
            version = self._asked(template.name, lambda: self._make_version(template))
            held = _registered(version, is_new=True)
        if alias is None or alias in held.aliases:
            return held
        self._asked(template.name, lambda: self._client.set_prompt_alias(held.name, alias, held.version))
        return replace(held, aliases=tuple(sorted((*held.aliases, alias))))

    def newest(self, name: str) -> Registered | None:
        """The newest version of a template; None if it was never registered."""
        version = self._asked(name, lambda: self._version(name, NEWEST))
        return _registered(version) if version else None

    def load(self, name: str, which: str | int = NEWEST) -> Template:
        """The template of a version, by alias or number, as it was registered.

        Raises:
            UserError: there is no such version, or ragops did not register it.
        """
        version = self._asked(name, lambda: self._version(name, which))
        if version is None:
            kind = "version" if str(which).isdigit() else "alias"
            place = f"prompt {self._named(name)}"
            raise UserError(f"{place}: no {kind} {which} in the registry; run: ragops prompts register {name}")
        return _template(version)

    def adopt(self, template: Template, version: int, alias: str | None = None) -> Registered:
        """Makes a version that MLflow's optimizer registered one of ours: its texts are the template's already.

        Raises:
            UserError: as `register` does.
        """
        name = self._named(template.name)
        for key, value in _tags(template).items():
            tag = partial(self._client.set_prompt_version_tag, name, version, key, value)
            self._asked(template.name, tag)
        if alias is not None:
            self._asked(template.name, lambda: self._client.set_prompt_alias(name, alias, version))
        return Registered(name, version, template.content_hash, (alias,) if alias else (), is_new=True)

    def remove(self, name: str, version: int) -> None:
        """Takes a version out of the registry. Raises UserError where that refuses."""
        self._asked(name, lambda: self._client.delete_prompt_version(self._named(name), str(version)))

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
        # Not load_prompt: it caches aliases for a minute, and on Unity Catalog it breaks on one that is not there.
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
            # MLflow's own stores cannot search in the runtimes' versions (3.8), and keep the alias.
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            number = NEWEST
        return self._get(full, number)

    def _newest_number(self, full: str) -> str:
        """The highest number of a prompt's versions; "0", which none has, where there are none."""
        newest, page = 0, None
        while True:
            found = self._client.search_prompt_versions(full, page_token=page)
            # Unity Catalog's client gives the service's message, the others a list.
            versions = getattr(found, "prompt_versions", found)
            newest = max([newest, *(int(one.version) for one in versions)])
            page = getattr(found, "next_page_token", None) or getattr(found, "token", None)
            if not page:
                return str(newest)

    def _asked(self, name: str, question: Callable[[], _Answer]) -> _Answer:
        from mlflow.exceptions import MlflowException

        full = self._named(name)
        try:
            # Prompts are functions of their schema.
            with needing("CREATE FUNCTION, EXECUTE and MANAGE", f"schema of prompt {full}"), _switched_on(full):
                return question()
        except MlflowException as error:
            raise UserError(f"prompt {full}: MLflow refuses: {_reason(error)}; correct that and try again") from error


@contextmanager
def _switched_on(full: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code in _OFF_CODES or _OFF.search(str(error.message)):
            raise SwitchedOff(
                f"prompt {full}: MLflow's prompt registry is switched off here ({_reason(error)}); it is a preview of "
                "Databricks, which a workspace admin switches on under Previews"
            ) from error
        raise


def _reason(error: MlflowException) -> str:
    return " ".join(str(error.message).split())[:300]


def _registered(version: PromptVersion, is_new: bool = False) -> Registered:
    held = version.tags.get(HASH_TAG, "")
    return Registered(version.name, version.version, held, tuple(sorted(version.aliases)), is_new)


def _tags(template: Template) -> dict[str, str]:
    """What a version does not hold by itself; description and schema too, since an optimizer's versions lack them."""
    pieces = in_pieces(REST_TAG, template.model_dump(mode="json", exclude=_IN_THE_VERSION))
    if len(pieces) > MOST_PIECES:
        length, most = sum(map(len, pieces.values())), MOST_PIECES * CATALOG_TAG_LENGTH
        raise UserError(
            f"prompt template {template.name}: examples, schema and all but its texts take {length} characters, of "
            f"which a registry holds {most}; shorten the examples"
        )
    return {
        "task": template.task,
        "technique": template.technique,
        "model_family": catalog_tag(template.model_family),
        HASH_TAG: template.content_hash,
        **pieces,
    }


def _response_format(template: Template) -> dict[str, Any] | None:
    """MLflow makes one tag of it; what is longer stands in ours only."""
    schema = template.response_schema
    return schema if schema and len(json.dumps(schema)) <= CATALOG_TAG_LENGTH else None


def _template(version: PromptVersion) -> Template:
    rest = from_pieces(REST_TAG, version.tags) or version.tags.get(_EARLIER_REST_TAG)
    if rest is None or version.is_text_prompt:
        raise UserError(f"prompt {version.uri}: ragops did not register it; put it into a file of prompts.templates")
    texts = {turn["role"]: turn["content"] for turn in version.template if isinstance(turn, dict)}
    earlier = {"description": version.commit_message, "response_schema": version.response_format}
    try:
        return Template.model_validate(earlier | json.loads(rest) | texts)
    except json.JSONDecodeError as error:
        raise UserError(f"prompt {version.uri}: its tags {REST_TAG} are not whole; register it again") from error
    except ValidationError as error:
        raise UserError(f"prompt {version.uri}: {explain(error.errors())}; register it again") from error
