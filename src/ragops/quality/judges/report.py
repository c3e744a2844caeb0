"""What judges found, beside what that cost: for the command line, notebooks and the page of a release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.bill import Bill
from ragops.quality.judges.rows import Judgment, State
from ragops.quality.statistics.intervals import Interval, share_interval
from ragops.text import json_number
from ragops.usecase.evaluation import Evaluation, JudgeName

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class JudgedFigure:
    """What one judge found. Costs are in the currency of the use case's prices.

    Attributes:
        judge: the dimension.
        version: the judge's.
        model: that judged.
        score: mean score of the scored answers, with its interval.
        good: share of good ones, likewise.
        scored: answers with a verdict, over which the means are.
        states: judgments by state; all count, only scored ones have a verdict.
        not_judged: planned, but the run was stopped.
        not_applicable: answers without anything to judge, by reason.
        judging_cost: of these judgments, also where it was paid in an earlier run.
        answering_cost: of the same answers; None if it is not known.
        people_cost: of as many labels by people; None without `evaluation.hourly_rate`.
    """

    judge: JudgeName
    version: str
    model: str
    score: Interval
    good: Interval
    scored: int
    states: Mapping[State, int]
    not_judged: int
    not_applicable: Mapping[str, int]
    judging_cost: float
    answering_cost: float | None
    people_cost: float | None

    def as_json(self) -> dict[str, Any]:
        """As JSON values; what is not known is None."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return (
            plain
            | {"score": _as_json(self.score), "good": _as_json(self.good)}
            | {
                "states": dict(self.states),
                "not_applicable": dict(self.not_applicable),
            }
        )


@dataclass(frozen=True)
class JudgingReport:
    """The figures of all judges, and the bill of the run.

    Attributes:
        figures: one for each judge that had something to judge.
        answers: given to the judges.
        bill: of this run.
        max_error_share: `evaluation.max_error_share`.
    """

    figures: tuple[JudgedFigure, ...]
    answers: int
    bill: Bill
    max_error_share: float

    @property
    def failure(self) -> str:
        """Why the run fails, in one line; "" if it does not."""
        share = self.bill.error_share
        if share <= self.max_error_share:
            return ""
        counts = ", ".join(f"{count} {state}" for state, count in self.bill.counts().items() if state != "scored")
        first = next((one.reason for one in self.bill.judgments if one.state != "scored"), None) or self.bill.stopped
        return (
            f"judges: {share:.0%} of the judgments have no verdict ({counts or 'nothing was judged'}), more than "
            f"evaluation.max_error_share allows ({self.max_error_share:.0%}); the first: {first}"
        )

    @property
    def calls_per_answer(self) -> float:
        """Calls of this run for each answer; 0 without answers."""
        return self.bill.calls / self.answers if self.answers else 0.0

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        bill = self.bill
        sums = ("calls", "cached", "planned", "not_judged", "input_tokens", "output_tokens", "cost", "reused_cost")
        return {
            "figures": [figure.as_json() for figure in self.figures],
            "answers": self.answers,
            "bill": {name: getattr(bill, name) for name in (*sums, "seconds", "stopped")},
            "states": dict(bill.counts()),
            "calls_per_answer": self.calls_per_answer,
            "error_share": bill.error_share,
            "failure": self.failure,
        }


def judging_report(bill: Bill, items: Sequence[AnswerToJudge], evaluation: Evaluation) -> JudgingReport:
    """What a run found and cost.

    Args:
        bill: of the run.
        items: the answers that it was given.
        evaluation: the use case's section, with the cost of people.
    """
    costs = {item.answer_id: item.cost for item in items}
    return JudgingReport(tuple(_figures(bill, costs, evaluation)), len(costs), bill, evaluation.max_error_share)


def label_cost(labels: int, evaluation: Evaluation) -> float | None:
    """What this number of labels by people costs; None without `evaluation.hourly_rate`."""
    rate = evaluation.hourly_rate
    return None if rate is None else labels * evaluation.label_seconds / _SECONDS_PER_HOUR * rate


def _figures(bill: Bill, costs: Mapping[str, float | None], evaluation: Evaluation) -> Iterator[JudgedFigure]:
    for name in bill.not_applicable:
        own = [one for one in bill.judgments if one.judge == name]
        planned = bill.planned_by.get(name, 0)
        scored = [one for one in own if one.score is not None]
        clusters = [one.cluster for one in scored]
        known = [cost for one in own if (cost := costs.get(one.answer_id)) is not None]
        yield JudgedFigure(
            judge=name,
            version=own[0].judge_version if own else "",
            model=own[0].model if own else "",
            score=share_interval([one.score or 0.0 for one in scored], clusters),
            good=share_interval([float(bool(one.good)) for one in scored], clusters),
            scored=len(scored),
            states=bill.counts(name),
            not_judged=planned - len(own),
            not_applicable=bill.not_applicable[name],
            judging_cost=_paid(own) + bill.reused.get(name, 0.0),
            answering_cost=sum(known) if known else None,
            people_cost=label_cost(len(own), evaluation),
        )


def _paid(judgments: Sequence[Judgment]) -> float:
    return sum(one.cost for one in judgments if not one.cached)


def _as_json(interval: Interval) -> dict[str, object]:
    return {name: json_number(value) for name, value in interval._asdict().items()}
