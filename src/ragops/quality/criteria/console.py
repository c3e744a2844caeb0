"""Terminal output of `ragops usecase`: two lines for each criterion, within 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from ragops.quality.criteria.check import Checked, State
from ragops.quality.criteria.rows import Metric
from ragops.usecase.measures import described

_LABELS: dict[State, tuple[str, str]] = {
    "pass": ("pass", "green"),
    "fail": ("FAIL", "bold red"),
    "not measured": ("--", "yellow"),
}
_INDENT = 6


def show_criteria(console: Console, found: Sequence[Checked]) -> None:
    """Prints each criterion: value, interval and limit; below it where the value is from, or how to measure it."""
    for one in found:
        console.print(_heading(one), no_wrap=True, overflow="ellipsis")
        for line in _details(one):
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, _INDENT), expand=False))
    console.print(Text(summary(found), style="bold"))


def print_checks(console: Console, found: Sequence[Checked]) -> None:
    """Prints criteria that were just measured: met or not, value, limit and what the limit means."""
    for one in found:
        state = "[green]met[/]" if one.state == "pass" else "[red]not met[/]"
        console.print(f"{state} {escape(str(one))}", highlight=False, soft_wrap=True)


def summary(found: Sequence[Checked]) -> str:
    """One line: how many criteria pass, fail and are not measured, and which fail."""
    by_state = {state: [one.criterion.measure for one in found if one.state == state] for state in _LABELS}
    failed = f" ({', '.join(by_state['fail'])})" if by_state["fail"] else ""
    counts = f"{len(by_state['pass'])} pass, {len(by_state['fail'])} fail{failed}"
    return f"{len(found)} criteria: {counts}, {len(by_state['not measured'])} not measured"


def _heading(one: Checked) -> Text:
    label, style = _LABELS[one.state]
    figures = f"{one.criterion.measure:<26}{one.value:<28}{one.criterion.required}"
    return Text.assemble((f"{label:<{_INDENT}}", style), figures)


def _details(one: Checked) -> Iterator[str]:
    measure = one.criterion.catalogued
    if one.metric:
        yield _origin(one.metric, measure.count)
    if one.state != "pass":
        yield one.criterion.why
    if one.metric is None:
        yield f"measured by {described(measure.sources)}"


def _origin(metric: Metric, what: str) -> str:
    source = metric.source if " " in metric.source else f"job {metric.source}"
    where = f", {metric.chain}" if metric.chain else ""
    return f"{metric.n:,} {what}, {metric.measured_at:%Y-%m-%d %H:%M} UTC, {source}{where}"
