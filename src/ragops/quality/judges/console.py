"""Terminal output of `ragops judges`: figures beside their costs, the bill, a forecast; 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from ragops.quality.judges.forecast import Forecast
from ragops.quality.judges.report import JudgedFigure, JudgingReport
from ragops.quality.judges.summary import JudgeSummary
from ragops.quality.statistics.intervals import Interval


def print_judging(console: Console, report: JudgingReport) -> None:
    """Prints each judge's figure beside what it cost, then the bill and what is missing from the figures."""
    table = Table("judge", box=None, pad_edge=False)
    for heading in ("score", "95 %", "of", "failed", "judging", "answers", "people"):
        table.add_column(heading, justify="right", no_wrap=True)
    for figure in report.figures:
        table.add_row(*_cells(figure))
    console.print(table)
    for line in _notes(report):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def print_forecast(console: Console, found: Forecast) -> None:
    """Prints what a run would need."""
    cost = (
        "not known: nothing was judged yet by a model paid by the second" if found.cost is None else money(found.cost)
    )
    basis = "as the model has counted before" if found.learned else "by our own count: the model has not judged yet"
    lines = (
        f"{found.calls:,} calls for {found.answers:,} answers, {found.cached:,} judgments without a call",
        f"{found.input_tokens:,} tokens read, {found.output_tokens:,} written, {basis}",
        f"cost: {cost}",
    )
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def print_summaries(console: Console, found: Sequence[JudgeSummary]) -> None:
    """Prints a line for each judge and version in the table."""
    if not found:
        console.print("no judgments")
        return
    table = Table("judge", "version", "model", box=None, pad_edge=False)
    for heading in ("score", "of", "failed", "cost", "last"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        score = "-" if one.score is None else f"{one.score:.3f}"
        failed = one.judgments - one.scored
        row = (one.judge, one.judge_version, one.model, score, f"{one.judgments:,}", f"{failed:,}", money(one.cost))
        table.add_row(*row, f"{one.last:%Y-%m-%d}")
    console.print(table)


def money(cost: float | None) -> str:
    """An amount in the currency of the use case's prices, which has no name."""
    if cost is None:
        return "-"
    return f"{cost:,.2f}" if cost >= 1 or cost == 0 else f"{cost:.4f}"


def _cells(figure: JudgedFigure) -> tuple[str, ...]:
    judged = sum(figure.states.values())
    costs = (figure.judging_cost, figure.answering_cost, figure.people_cost)
    return (
        figure.judge,
        f"{figure.score.mean:.3f}" if figure.scored else "-",
        _bounds(figure.score) if figure.scored else "-",
        f"{judged:,}",
        f"{judged - figure.scored:,}",
        *map(money, costs),
    )


def _bounds(interval: Interval) -> str:
    return f"{interval.low:.3f}-{interval.high:.3f}"


def _notes(report: JudgingReport) -> Iterator[str]:
    bill = report.bill
    yield (
        f"{bill.calls:,} calls ({report.calls_per_answer:.1f} an answer), {bill.input_tokens:,} tokens read, "
        f"{bill.output_tokens:,} written, cost {money(bill.cost)}"
    )
    if bill.cached:
        yield f"{bill.cached:,} judgments without a call; they had cost {money(bill.reused_cost)}"
    states = ", ".join(f"{count:,} {state}" for state, count in bill.counts().items())
    yield f"judgments: {states}; {bill.error_share:.0%} without a verdict"
    for figure in report.figures:
        if figure.not_applicable:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(figure.not_applicable.items()))
            yield f"not judged by {figure.judge}: {reasons}"
    if bill.stopped:
        yield f"stopped: {bill.stopped}; {bill.not_judged:,} of {bill.planned:,} judgments are missing"
