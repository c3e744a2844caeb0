"""Who may see which passage: rules of the use case, the groups that follow from a document's path, and who they let in.

A passage has either no groups, and everybody finds it, or some, and only a member of one of them does. Nothing opens
what a rule has closed: where several rules match, a reader needs a group that all of them name.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ragops.errors import RequestError, UserError

Groups = tuple[str, ...]
"""Sorted names of groups; empty: everybody."""

Reader = Collection[str] | None
"""The groups of whoever asks; None is the system itself, which sees all."""

GroupsOf = Callable[[str], Groups]
"""The groups of a document by its path."""

_FILE = "access.json"
_PARTS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class AccessRule(BaseModel):
    """Documents whose path matches are for these groups only.

    `path` counts from the landing folder: `*` and `?` stay within a folder, `**` goes into those below. Case is
    ignored, so that a folder renamed from hr to HR stays closed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(min_length=1)
    groups: tuple[str, ...] = Field(min_length=1)

    @field_validator("groups")
    @classmethod
    def _named(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        if not all(name.strip() == name and name for name in groups):
            raise ValueError("a group's name is neither empty nor has blanks around it")
        return groups

    def matches(self, path: str) -> bool:
        """Whether the document at this path falls under the rule."""
        return _pattern(_plain(self.path)).fullmatch(_plain(path)) is not None


def groups_of(rules: Sequence[AccessRule]) -> GroupsOf:
    """The rules as a function of the path.

    The function raises UserError where the rules that match leave nobody who may see the document.
    """

    @cache
    def of(path: str) -> Groups:
        matching = [rule for rule in rules if rule.matches(path)]
        if not matching:
            return ()
        common = set(matching[0].groups).intersection(*(rule.groups for rule in matching[1:]))
        if not common:
            named = " and ".join(repr(rule.path) for rule in matching)
            raise UserError(f"corpus.access: {named} leave no group that may see {path}; give them one in common")
        return tuple(sorted(common))

    return of


def rules_digest(rules: Sequence[AccessRule]) -> str:
    """Eight hex digits that change with the rules; "" for none."""
    if not rules:
        return ""
    result = sorted((rule.path, sorted(rule.groups)) for rule in rules)
    return hashlib.sha256(json.dumps(result).encode()).hexdigest()[:8]


def visible(groups: Groups, reader: Reader) -> bool:
    """Whether the reader may see a passage of these groups."""
    return reader is None or not groups or not set(groups).isdisjoint(reader)


def check_groups(given: Collection[str], known: Collection[str]) -> frozenset[str]:
    """A caller's groups. Raises RequestError for one that `known` has not, unless nothing is known."""
    for name in given:
        if known and name not in known:
            near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
            fix = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            raise RequestError(f"group {name!r}: corpus.groups in usecase.yml does not list it; {fix}")
    return frozenset(given)


def groups_key(groups: Groups) -> str:
    """One string for a set of groups, different for different sets; "" for everybody."""
    return json.dumps(sorted(groups), ensure_ascii=False) if groups else ""


class Restrictions:
    """Which of a generation's passages are restricted, and to whom; as a file beside its word index."""

    def __init__(self, ids: Sequence[str], restricted: Mapping[str, Groups]) -> None:
        """`ids`: all passages, in the word index's order; `restricted`: those not for everybody."""
        self.restricted = {i: groups for i, groups in restricted.items() if groups}
        self.sets: tuple[Groups, ...] = tuple(sorted(set(self.restricted.values())))
        numbers = {groups: number for number, groups in enumerate(((), *self.sets))}
        self._numbers = np.array([numbers[self.restricted.get(i, ())] for i in ids], np.intp)

    def allowed(self, reader: Reader) -> NDArray[np.bool_] | None:
        """For each passage whether the reader may see it; None when that is all of them."""
        seen = np.array([visible(groups, reader) for groups in ((), *self.sets)])
        return None if seen.all() else seen[self._numbers]

    def save(self, directory: Path) -> None:
        """Writes the file; none where everybody sees all."""
        if self.restricted:
            (directory / _FILE).write_text(json.dumps(self.restricted, ensure_ascii=False, indent=0), "utf-8")

    @classmethod
    def load(cls, directory: Path, ids: Sequence[str], sets: int) -> Restrictions:
        """Reads the file. Raises ValueError when it has not as many sets of groups as the manifest says."""
        file = directory / _FILE
        rows = json.loads(file.read_text("utf-8")) if file.exists() else {}
        found = cls(ids, {chunk_id: tuple(groups) for chunk_id, groups in rows.items()})
        if len(found.sets) != sets:
            raise ValueError(f"{_FILE} has {len(found.sets)} sets of groups, the manifest {sets}")
        return found


def _plain(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold().removeprefix("/")


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(_PARTS.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL)
