"""The page of an evaluation: one chain against the use case's criteria."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ragops.quality.criteria.check import Checked, check
from ragops.quality.criteria.rows import Metric
from ragops.quality.evaluation.answers import Row, reported_fallbacks
from ragops.quality.evaluation.reports.page_content import Measured, Page, Required, State
from ragops.quality.evaluation.reports.pages import (
    Trust,
    errors,
    judged,
    judging_notes,
    shown,
    spent,
    spent_on_live_answers,
    tiles,
)
from ragops.quality.evaluation.reports.worst import worst_questions
from ragops.quality.judges.bill import Bill
from ragops.quality.questions import Question
from ragops.quality.statistics.intervals import Interval
from ragops.usecase import MEASURES, UseCase

_STATES: Mapping[str, State] = {"pass": "good", "fail": "bad", "not measured": "open"}
_NO_JUDGE = (
    "No judge ran: {}. The measures above need none; lexical support counts words and does not judge groundedness."
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What an evaluation measured.

    Attributes:
        questions: what was asked.
        rows: the answers.
        costs: of these, one for each.
        metrics: everything measured, as rows of the table.
        bill: what judges said, and what that cost.
        live: the same of a sample of the answers to people.
        trusted: what people's labels say of judges, by name.
        without_judges: why no judge ran; "" if one did.
    """

    questions: Sequence[Question]
    rows: Sequence[Row]
    costs: Sequence[float]
    metrics: Sequence[Metric]
    bill: Bill
    live: Bill
    trusted: Mapping[str, Trust]
    without_judges: str


def evaluation_page(use_case: UseCase, chain: str, facts: Mapping[str, str], found: Findings) -> Page:
    """The page; `chain` names what was measured, `facts` say where and when, by name."""
    checked = measured_criteria(use_case, found.metrics)
    failed, missing = ([one for one in checked if one.state == state] for state in ("fail", "not measured"))
    worst, hidden = shown(worst_questions(found.questions, found.rows, found.bill.judgments), use_case)
    silent = tuple(_without_verdict(found.bill, use_case.evaluation.max_error_share))
    return Page(
        title=f"{use_case.name}: {chain}",
        verdict="Judges failed" if silent else _verdict(checked, failed, missing),
        state="bad" if failed or silent else "good" if checked and not missing else "open",
        sentence="; ".join(
            [*(f"{one.name}: {one.measured}, {one.required}" for one in silent), _sentence(checked, failed, missing)]
        ),
        facts=facts,
        tiles=tiles(found.rows, found.bill.judgments, found.costs),
        changed=None,
        measured=tuple(_measured(found.metrics)),
        required=(*map(_required, checked), *silent),
        judged=judged(found.bill.judgments, found.trusted, use_case.evaluation, found.bill.not_applicable),
        without_judges=_NO_JUDGE.format(found.without_judges) if found.without_judges else "",
        worst=worst,
        errors=errors(found.rows, found.bill.judgments),
        spent=(
            *spent(found.rows, found.bill.judgments, found.costs, use_case.evaluation, found.bill.reused_cost),
            *spent_on_live_answers(found.live),
        ),
        notes=tuple(filter(None, [reported_fallbacks(found.rows), *judging_notes(found.bill), *hidden])),
    )


def measured_criteria(use_case: UseCase, metrics: Sequence[Metric]) -> list[Checked]:
    """Those of the use case's criteria that an evaluation measures, also where it has no value of one."""
    wanted = [one for one in use_case.criteria if "evaluate" in one.catalogued.sources]
    latest = {one.name: one for one in metrics}
    live = [one for one in wanted if one.measure.startswith("live_") and one.measure not in latest]
    return check([one for one in wanted if one not in live], latest)


def _verdict(checked: Sequence[Checked], failed: Sequence[Checked], missing: Sequence[Checked]) -> str:
    if failed:
        return f"{len(failed)} of {len(checked)} criteria not met"
    if missing:
        return f"{len(missing)} of {len(checked)} criteria not measured"
    return "All criteria met" if checked else "Measured"


def _sentence(checked: Sequence[Checked], failed: Sequence[Checked], missing: Sequence[Checked]) -> str:
    if not checked:
        return "The use case has no criteria for what an evaluation measures."
    lines = [f"{one.criterion.measure} is {one.value}, required {one.criterion.required}" for one in failed]
    if missing:
        lines.append(f"not measured: {', '.join(one.criterion.measure for one in missing)}")
    return "; ".join(lines) + "." if lines else "Everything that the use case requires of an evaluation holds."


def _without_verdict(bill: Bill, most: float) -> Iterator[Required]:
    """The condition on judges that is not met; where it is met, it is nothing to read about."""
    if bill.judgments and bill.error_share > most:
        yield Required(
            "judgments without a verdict", f"at most {most:.0%}", f"{bill.error_share:.0%}", "not met", "bad",
            "what was judged may be the easy part",
        )  # fmt: skip


def _required(one: Checked) -> Required:
    return Required(
        one.criterion.measure,
        one.criterion.required.replace(">=", "at least").replace("<=", "at most"),
        one.value,
        {"pass": "met", "fail": "not met"}.get(one.state, one.state),
        _STATES[one.state],
        one.criterion.why,
    )


def _measured(metrics: Sequence[Metric]) -> Iterator[Measured]:
    """The shares, each with its interval; the others are among the key figures and the criteria."""
    for one in metrics:
        measure = MEASURES[one.name]
        if measure.unit == "share":
            low, high = (math.nan if end is None else end for end in (one.low, one.high))
            yield Measured(one.name, measure.meaning, Interval(one.value, low, high, one.clusters or 0), one.n)
