"""What a person or a program sees of an evaluation of answers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ragops.answers.chain.abstention import Threshold, calibrate, judged
from ragops.answers.llms.ledger.ledger import CallRow
from ragops.quality.evaluation.answers import (
    CHECKS,
    Row,
    error_share,
    fallbacks,
    metrics,
    reported_fallbacks,
    summarise,
)

_KEEP = 0.9
"""Of the answerable questions that a suggested threshold answers."""
_SHOWN_ERRORS = 3


@dataclass(frozen=True)
class AnswersReport:
    """Outcomes, the calls that they took, and the evidence for questions of both kinds.

    Attributes:
        rows: one a question.
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
    def thresholds(self) -> tuple[Threshold, Threshold] | None:
        """What the use case's threshold does, and the one suggested; None without questions of both kinds.

        None with errors too: those that are left are the questions that found little evidence.
        """
        if error_share(self.rows) or not self.answerable or not self.unanswerable:
            return None
        known = self.answerable, self.unanswerable
        return judged(self.min_evidence, *known), calibrate(*known, keep=_KEEP)


def show_report(console: Console, report: AnswersReport) -> None:
    """Prints a table of the checks, errors, seconds, cost, and the calibration of `answers.min_evidence`."""
    table = Table(box=None, pad_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("mean", justify="right")
    table.add_column("95 %", justify="right", style="dim", no_wrap=True)
    table.add_column("questions", justify="right")
    table.add_column("share of")
    for name, found in summarise(report.rows).items():
        if name in CHECKS and not math.isnan(found.mean):
            count = sum(not math.isnan(row.values[name]) for row in report.rows)
            between = f"{found.low:.2f}-{found.high:.2f}"
            table.add_row(name, f"{found.mean:.3f}", between, str(count), CHECKS[name])
    console.print(table)
    for line in _lines(report):
        console.print(Text(line), soft_wrap=True)


def as_report(report: AnswersReport) -> dict[str, Any]:
    """The same as JSON, with a record for each question."""
    thresholds = report.thresholds
    checks = {name: found._asdict() for name, found in summarise(report.rows).items() if not math.isnan(found.mean)}
    return {
        "checks": checks,
        "metrics": metrics(report.rows),
        "models": report.models,
        "fallbacks": fallbacks(report.rows),
        "cost": sum(call.cost for call in report.calls),
        "evidence": thresholds and {"use_case": asdict(thresholds[0]), "suggested": asdict(thresholds[1])},
        "rows": [_without_nan(row.as_dict()) for row in report.rows],
    }


def _lines(report: AnswersReport) -> Iterator[str]:
    figures = metrics(report.rows)
    failed = [row for row in report.rows if row.error]
    result = ", ".join(f"{name} {count}" for name, count in report.models.items()) or "none"
    yield f"questions {len(report.rows)}, errors {len(failed)}; asked of models: {result}"
    if by_others := reported_fallbacks(report.rows):
        yield by_others
    yield from (f"  {row.question_id}: {row.error}" for row in failed[:_SHOWN_ERRORS])
    if len(failed) < len(report.rows):
        cost = sum(call.cost for call in report.calls)
        yield f"seconds p50 {figures['seconds_p50']:.2f}, p95 {figures['seconds_p95']:.2f}; cost {cost:.4g}"
    if report.thresholds:
        use_case, suggested = report.thresholds
        yield f"evidence tells answerable questions from others with AUC {suggested.area:.2f}"
        yield f"  the use case's answers.min_evidence: {_effect(use_case)}"
        yield f"  to keep {_KEEP:.0%} of the answerable:   {_effect(suggested)}"


def _effect(one: Threshold) -> str:
    return f"{one.value:.2f} keeps {one.answered:.0%} of the answerable and refuses {one.refused:.0%} of the others"


def _without_nan(record: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in record.items()}
