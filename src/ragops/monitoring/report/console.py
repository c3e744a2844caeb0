"""Findings in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ragops.monitoring.finding import Finding
from ragops.monitoring.next_steps import NextStep
from ragops.monitoring.report.wording import lasting
from ragops.platform.console import plain_text

_QUESTIONS = 3
_STYLES = {"high": "bold red", "low": "yellow"}


def show_findings(terminal: Console, findings: Sequence[Finding], closed: Sequence[Finding], now: datetime) -> None:
    """Prints each finding with its cause and what to do, then those that are gone.

    Args:
        terminal: where to.
        findings: those that are open, the worst first.
        closed: those that this run closed.
        now: the time of the run.
    """
    for one in findings:
        terminal.print(Text.assemble((one.severity, _STYLES[one.severity]), "  ", (plain_text(one.title), "bold")))
        for name, text in _lines(one, now):
            terminal.print(Padding(Text.assemble((f"{name} " if name else "", "dim"), plain_text(text)), (0, 0, 0, 6)))
    for one in closed:
        terminal.print(Text.assemble(("gone", "green"), "  ", plain_text(one.title)))


def show_steps(terminal: Console, steps: Sequence[NextStep]) -> None:
    """Prints what to do next: each step with its reason, some of its questions and its command."""
    for one in steps:
        terminal.print(Text.assemble(("next", "cyan"), "  ", (plain_text(one.title), "bold")))
        for text in (one.reason, *one.questions[:_QUESTIONS]):
            terminal.print(Padding(Text(plain_text(text)), (0, 0, 0, 6)))
        terminal.print(Padding(Text(one.command, style="dim"), (0, 0, 0, 6)))


def _lines(one: Finding, now: datetime) -> Iterator[tuple[str, str]]:
    again = f", for the {one.occurrence}. time" if one.occurrence > 1 else ""
    yield "since", f"{one.since:%Y-%m-%d %H:%M} UTC, known for {lasting(now - one.opened_at)}{again}"
    if one.details:
        yield "", one.details
    if one.p_value is not None:
        yield "by chance", f"with a probability of {one.p_value:.2g}"
    if one.cause:
        yield "likely cause", one.cause
    yield "do", one.action
    yield "look", f"{one.command}  ({one.check}{f' {one.subject}' if one.subject else ''})"
