"""Reports of an evaluation of answers: tables for the terminal, and JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ragops.answers.chain.abstention import Threshold, calibrate, measure_threshold
from ragops.answers.llms.ledger.calls import CallRow
from ragops.quality.evaluation.answers import (
    CHECKS,
    Row,
    error_share,
    fallbacks,
    metrics,
    reported_fallbacks,
    summarize,
)
from ragops.text import json_number

_KEEP = 0.9
"""The share of answerable questions that a suggested threshold answers."""
_SHOWN_ERRORS = 3


@dataclass(frozen=True)
class AnswersReport:
    """Rows, the calls that they took, and the evidence for questions of both kinds.

    Attributes:
        rows: one per question.
        calls: the ledger's rows of all of them.
        answerable: the evidence for each question that the corpus answers.
        unanswerable: the evidence for each of the others.
        min_evidence: the use case's threshold.
    """

    rows: Sequence[Row]
    calls: Sequence[CallRow]
    answerable: Sequence[float]
    unanswerable: Sequence[float]
    min_evidence: float

    @property
    def models(self) -> dict[str, int]:
        """How many questions each model answered."""
        return dict(Counter(call.model for call in self.calls if call.outcome == "answered").most_common())

    @property
    def cost(self) -> float:
        """The cost of all calls, by the use case's prices."""
        return sum(call.cost for call in self.calls)

    @property
    def thresholds(self) -> tuple[Threshold, Threshold] | None:
        """The use case's threshold and a suggested one, with their effects; None without questions of both kinds.

        None with errors too: the questions without an error are those that found little evidence.
        """
        if error_share(self.rows) or not self.answerable or not self.unanswerable:
            return None
        known = self.answerable, self.unanswerable
        return measure_threshold(self.min_evidence, *known), calibrate(*known, keep=_KEEP)

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON, with an object for each question."""
        thresholds = self.thresholds
        checks = {name: found._asdict() for name, found in summarize(self.rows).items() if not math.isnan(found.mean)}
        return {
            "checks": checks,
            "metrics": metrics(self.rows),
            "models": self.models,
            "fallbacks": fallbacks(self.rows),
            "cost": self.cost,
            "evidence": thresholds and {"use_case": asdict(thresholds[0]), "suggested": asdict(thresholds[1])},
            "rows": [{name: json_number(value) for name, value in row.as_dict().items()} for row in self.rows],
        }


def print_answers(console: Console, report: AnswersReport) -> None:
    """Prints a table of the checks, then errors, latency, cost, and the calibration of `answers.min_evidence`."""
    console.print(checks_table(report.rows))
    for line in _lines(report):
        console.print(Text(line), soft_wrap=True)


def checks_table(rows: Sequence[Row]) -> Table:
    """Mean, interval and number of questions of each check that applies to any of the rows."""
    table = Table(box=None, pad_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("mean", justify="right")
    table.add_column("95 %", justify="right", style="dim", no_wrap=True)
    table.add_column("questions", justify="right")
    table.add_column("share of")
    for name, found in summarize(rows).items():
        if name in CHECKS and not math.isnan(found.mean):
            count = sum(not math.isnan(row.values[name]) for row in rows)
            between = f"{found.low:.2f}-{found.high:.2f}"
            table.add_row(name, f"{found.mean:.3f}", between, str(count), CHECKS[name])
    return table


def _lines(report: AnswersReport) -> Iterator[str]:
    figures = metrics(report.rows)
    failed = [row for row in report.rows if row.error]
    calls = ", ".join(f"{name} {count}" for name, count in report.models.items()) or "none"
    yield f"questions {len(report.rows)}, errors {len(failed)}; model calls: {calls}"
    if by_fallback := reported_fallbacks(report.rows):
        yield by_fallback
    yield from (f"  {row.question_id}: {row.error}" for row in failed[:_SHOWN_ERRORS])
    if len(failed) < len(report.rows):
        seconds = f"p50 {figures['seconds_p50']:.2f}, p95 {figures['seconds_p95']:.2f}"
        yield f"seconds {seconds}; cost {report.cost:.4g}"
    if report.thresholds:
        use_case, suggested = report.thresholds
        yield f"evidence separates answerable from unanswerable questions with AUC {suggested.area:.2f}"
        yield f"  the use case's answers.min_evidence: {_effect(use_case)}"
        yield f"  to keep {_KEEP:.0%} of the answerable:   {_effect(suggested)}"


def _effect(one: Threshold) -> str:
    return f"{one.value:.2f} keeps {one.answered:.0%} of the answerable and refuses {one.refused:.0%} of the others"
