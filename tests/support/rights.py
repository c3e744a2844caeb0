"""The table of docs/rights.md as data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "rights.md"
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        who: who has the rights.
        on: the resources.
        rights: the rights.
        given: how they are granted.
        tasks: the tasks that need them.
        elsewhere: tasks that need them in a real workspace only, where no test runs; marked with a star.
    """

    who: str
    on: tuple[str, ...]
    rights: tuple[str, ...]
    given: str
    tasks: frozenset[str]
    elsewhere: frozenset[str]


def read_rows() -> list[Row]:
    """The rows of the table, in order."""
    return list(_rows(DOCUMENT.read_text(encoding="utf-8")))


def _rows(text: str) -> Iterator[Row]:
    _, _, table = text.partition("## The table")
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if line.startswith("| ") and len(cells) == 5 and cells[0] != "who":
            who, on, rights, given, reason = cells
            starred = frozenset(re.findall(r"`([^`]+)`\*", reason))
            yield Row(who, _names(on), _names(rights), given, frozenset(_names(reason)), starred)


def _names(cell: str) -> tuple[str, ...]:
    return tuple(_CODE.findall(cell)) or (cell,)
