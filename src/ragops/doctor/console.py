"""The table of what was found, for terminals and run pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table

from ragops.doctor.findings import Finding, Section, missing

_COLOURS = {"ok": "green", "missing": "red", "unknown": "yellow"}
_WHAT_WIDTH = 22


def show(console: Console, sections: Iterable[Section]) -> list[Section]:
    """Prints each group as it comes, then what is missing; returns them all."""
    held = []
    for section in sections:
        held.append(section)
        console.print(_table(section))
    console.print(f"[bold]{escape(summary(held))}[/]", highlight=False)
    return held


def show_plain(sections: Iterable[Section]) -> list[Section]:
    """The same as plain text of 100 columns, as notebooks show it."""
    return show(Console(width=100, force_jupyter=False, color_system=None), sections)


def summary(sections: Sequence[Section]) -> str:
    """One line: how many rows there are, and what of them is missing."""
    count = sum(len(section.findings) for section in sections)
    unknown = sum(finding.state == "unknown" for section in sections for finding in section.findings)
    lacking = missing(sections)
    named = f": {', '.join(finding.what for finding in lacking)}" if lacking else ""
    return f"{count} looked at, {len(lacking)} missing{named}; {unknown} unknown"


def _table(section: Section) -> Table:
    table = Table(title=section.title, title_justify="left", title_style="bold", box=None, show_header=False)
    table.add_column(width=_WHAT_WIDTH, overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    table.add_column(width=len("missing"))
    table.expand = True
    for finding in section.findings:
        table.add_row(escape(finding.what), _cell(finding), f"[{_COLOURS[finding.state]}]{finding.state}[/]")
    return table


def _cell(finding: Finding) -> Group:
    to_do = [f"[dim]to do: {escape(finding.to_do)}[/]"] if finding.to_do else []
    return Group(escape(finding.found), *to_do)
