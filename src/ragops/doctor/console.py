"""The report for terminals and run pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table

from ragops.doctor.findings import Finding, Section, missing
from ragops.platform import console as consoles

_COLORS = {"ok": "green", "missing": "red", "unknown": "yellow"}
_WHAT_WIDTH = 22


def show(console: Console, sections: Iterable[Section]) -> list[Section]:
    """Prints each section as it arrives, then the summary; returns all sections."""
    shown = []
    for section in sections:
        shown.append(section)
        console.print(_table(section))
    console.print(f"[bold]{escape(summary(shown))}[/]", highlight=False)
    return shown


def show_plain(sections: Iterable[Section]) -> list[Section]:
    """Prints the same as plain text, for notebooks."""
    return show(consoles.notebook(), sections)


def summary(sections: Sequence[Section]) -> str:
    """One line: the number of checks, and what is missing."""
    count = sum(len(section.findings) for section in sections)
    unknown = sum(finding.state == "unknown" for section in sections for finding in section.findings)
    lacking = missing(sections)
    names = f" ({', '.join(finding.what for finding in lacking)})" if lacking else ""
    return f"{count} checks: {len(lacking)} missing{names}, {unknown} unknown"


def _table(section: Section) -> Table:
    table = Table(title=section.title, title_justify="left", title_style="bold", box=None, show_header=False)
    table.add_column(width=_WHAT_WIDTH, overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    table.add_column(width=len("missing"))
    table.expand = True
    for finding in section.findings:
        table.add_row(escape(finding.what), _cell(finding), f"[{_COLORS[finding.state]}]{finding.state}[/]")
    return table


def _cell(finding: Finding) -> Group:
    fix = [f"[dim]fix: {escape(finding.to_do)}[/]"] if finding.to_do else []
    return Group(escape(finding.found), *fix)
