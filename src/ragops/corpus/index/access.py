"""Who may see which passage: the use case's rules, the groups that they give a document, and the readers they admit.

A passage without groups is found by everybody, one with groups only by their members. No rule widens what another
one restricts: if several rules match, a reader needs a group that all of them name.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ragops.errors import RequestError, UserError
from ragops.text import closest

Groups = tuple[str, ...]
"""Sorted names of groups; empty: everybody."""

Reader = Collection[str] | None
"""The groups of the person who asks; None is the system itself, which sees all."""

GroupsOf = Callable[[str], Groups]
"""The groups of a document by its path."""

_FILE = "access.json"
_PARTS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class AccessRule(BaseModel):
    """Restricts documents whose path matches to these groups.

    Case is ignored, so that a folder renamed from hr to HR stays closed. Unlike in gitignore and shell patterns,
    `[x]` is not a set of characters and `hr/*` does not cover folders below.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(min_length=1)
    """Pattern for paths in the landing folder: `*` and `?` match within a folder, `**` also in folders below, all other
    characters match themselves."""
    groups: tuple[str, ...] = Field(min_length=1)
    """Groups that may find the documents; if several rules match a document, only groups that all of them name."""

    @field_validator("groups")
    @classmethod
    def _named(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        if not all(name.strip() == name and name for name in groups):
            raise ValueError("a group's name must not be empty, or begin or end with a blank")
        return groups

    def matches(self, path: str) -> bool:
        """Whether the rule applies to the document at this path."""
        return _pattern(_plain(self.path)).fullmatch(_plain(path)) is not None


def groups_of(rules: Sequence[AccessRule]) -> GroupsOf:
    """The rules as a function of a document's path.

    The function raises UserError if the matching rules have no group in common.
    """

    @cache
    def of(path: str) -> Groups:
        matching = [rule for rule in rules if rule.matches(path)]
        if not matching:
            return ()
        common = set(matching[0].groups).intersection(*(rule.groups for rule in matching[1:]))
        if not common:
            named = " and ".join(repr(rule.path) for rule in matching)
            raise UserError(f"corpus.access: {named} leave no group that may see {path}; add a common group")
        return tuple(sorted(common))

    return of


def rules_digest(rules: Sequence[AccessRule]) -> str:
    """Eight hex digits that change with the rules; "" without rules."""
    if not rules:
        return ""
    result = sorted((rule.path, sorted(rule.groups)) for rule in rules)
    return hashlib.sha256(json.dumps(result).encode()).hexdigest()[:8]


def visible(groups: Groups, reader: Reader) -> bool:
    """Whether the reader may see a passage of these groups."""
    return reader is None or not groups or not set(groups).isdisjoint(reader)


def united(of_passages: Iterable[Groups]) -> Groups:
    """The groups of a text from those of its passages: a reader who may see one of these may see the text."""
    members: set[str] = set()
    for groups in of_passages:
        if not groups:
            return ()
        members.update(groups)
    return tuple(sorted(members))


def check_groups(given: Collection[str], known: Collection[str]) -> frozenset[str]:
    """A caller's groups. Raises RequestError for one that `known` does not contain, unless `known` is empty."""
    for name in given:
        if known and name not in known:
            near = closest(name, known, cutoff=0.5)
            fix = f"did you mean {near}?" if near else f"known groups: {', '.join(sorted(known))}"
            raise RequestError(f"group {name!r}: corpus.groups in usecase.yml does not list it; {fix}")
    return frozenset(given)


def groups_key(groups: Groups) -> str:
    """A string that identifies a set of groups; "" for everybody."""
    return json.dumps(sorted(groups), ensure_ascii=False) if groups else ""


def groups_from_key(key: str) -> Groups:
    """The inverse of `groups_key`."""
    return tuple(json.loads(key)) if key else ()


class Restrictions:
    """A generation's restricted texts with their groups, stored as a file next to its word index."""

    def __init__(self, ids: Sequence[str], restricted: Mapping[str, Groups]) -> None:
        """`ids`: all texts, in the word index's order; `restricted`: groups of the restricted ones by id."""
        self.restricted = {i: groups for i, groups in restricted.items() if groups}
        self.sets: tuple[Groups, ...] = tuple(sorted(set(self.restricted.values())))
        numbers = {groups: number for number, groups in enumerate(((), *self.sets))}
        self._numbers = np.array([numbers[self.restricted.get(i, ())] for i in ids], np.intp)

    def allowed(self, reader: Reader) -> NDArray[np.bool_] | None:
        """For each text whether the reader may see it; None if the reader may see all."""
        seen = np.array([visible(groups, reader) for groups in ((), *self.sets)])
        return None if seen.all() else seen[self._numbers]

    def save(self, directory: Path) -> None:
        """Writes the file, unless nothing is restricted."""
        if self.restricted:
            (directory / _FILE).write_text(json.dumps(self.restricted, ensure_ascii=False, indent=0), "utf-8")

    @classmethod
    def load(cls, directory: Path, ids: Sequence[str], sets: int) -> Restrictions:
        """Reads the file. Raises ValueError if its number of group sets differs from the manifest's."""
        file = directory / _FILE
        rows = json.loads(file.read_text("utf-8")) if file.exists() else {}
        found = cls(ids, {text_hash: tuple(groups) for text_hash, groups in rows.items()})
        if len(found.sets) != sets:
            raise ValueError(f"{_FILE} has {len(found.sets)} sets of groups, the manifest {sets}")
        return found


def _plain(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold().removeprefix("/")


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(_PARTS.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL)
