"""The parts of a page that a release and an evaluation have in common, from rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ragops.quality.evaluation.answers import Row, metrics
from ragops.quality.evaluation.reports.page_content import Judged, Spent, Worst
from ragops.quality.judges.bill import Bill
from ragops.quality.judges.rows import STATES, Judgment
from ragops.quality.statistics.agreement import Agreement
from ragops.quality.statistics.intervals import Interval, share_interval
from ragops.usecase import UseCase
from ragops.usecase.evaluation import JUDGES, Evaluation, JudgeName

_UNKNOWN = "–"
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Trust:
    """What people's labels say of a judge: how far it agrees, and its rate corrected by them; None without labels."""

    agreement: Agreement | None = None
    corrected: Interval | None = None


def judged(
    judgments: Sequence[Judgment],
    trusted: Mapping[str, Trust],
    settings: Evaluation,
    not_applicable: Mapping[JudgeName, Mapping[str, int]] | None = None,
) -> tuple[Judged, ...]:
    """A line for each judge that was asked; `not_applicable`: in how many answers it had nothing to judge, and why."""
    return tuple(
        _judged(name, said, trusted.get(name, Trust()), settings, (not_applicable or {}).get(name, {}))
        for name in JUDGES
        if (said := [one for one in judgments if one.judge == name])
    )


def _judged(
    name: str, said: Sequence[Judgment], trust: Trust, settings: Evaluation, not_applicable: Mapping[str, int]
) -> Judged:
    scored = [(one.score, bool(one.good), one.cluster) for one in said if one.score is not None]
    clusters = [cluster for *_, cluster in scored]
    counts = Counter(one.state for one in said)
    found = trust.agreement
    return Judged(
        name,
        share_interval([score for score, *_ in scored], clusters),
        share_interval([float(good) for _, good, _ in scored], clusters),
        trust.corrected,
        found.kappa if found else None,
        found.n if found else 0,
        found is not None and found.decides(settings.min_kappa),
        _why(found, settings.min_kappa),
        {state: counts[state] for state in STATES},
        ", ".join(f"{count:,} {reason}" for reason, count in not_applicable.items()),
    )


def _why(found: Agreement | None, least: float) -> str:
    if found is None or not found.n:
        return "nobody has labelled answers yet"
    if math.isnan(found.kappa.mean):
        return "judge or people all say the same, so kappa is not defined"
    if found.kappa.mean < least:
        return f"kappa {found.kappa.mean:.2f} is below {least:.2f}"
    if found.kappa.sign <= 0:
        return f"kappa {found.kappa.mean:.2f} may be chance: too few labels"
    return f"kappa reaches {least:.2f}"


def errors(rows: Sequence[Row], judgments: Sequence[Judgment]) -> dict[str, int]:
    """How often each error of an answer, and each kind of judgment without a verdict, occurred; most frequent first."""
    answers = Counter(row.error for row in rows if row.error)
    judges = Counter(f"judge {one.judge}: {one.state}" for one in judgments if one.state != "scored")
    return dict([*answers.most_common(), *judges.most_common()])


def failures(judgments: Sequence[Judgment]) -> str:
    """How many judgments there are, and how many of them without a verdict."""
    failed = sum(one.state != "scored" for one in judgments)
    return f"{len(judgments):,}, {failed:,} without a verdict" if judgments else "none"


def tiles(rows: Sequence[Row], judgments: Sequence[Judgment], costs: Sequence[float]) -> dict[str, str]:
    """The key figures of a chain's answers; `costs` one for each row."""
    found = metrics(rows)
    answered = sum(row.error is None for row in rows)
    failed = sum(one.state != "scored" for one in judgments)
    return {
        "questions": f"{len(rows):,}",
        "errors": f"{found['errors']:.0f}",
        f"judgments, {failed:,} without a verdict" if judgments else "judgments": f"{len(judgments):,}",
        "95th percentile of answers": f"{found['seconds_p95']:.1f} s" if "seconds_p95" in found else _UNKNOWN,
        "an answer costs": f"{sum(costs) / answered:.4g}" if answered else _UNKNOWN,
    }


def shown(worst: Sequence[Worst], use_case: UseCase) -> tuple[tuple[Worst, ...], list[str]]:
    """The worst questions as a page may show them, and a note.

    Where the documents are confidential there are ids only: every reader of the experiment can see the page.
    """
    if use_case.corpus.classification != "confidential" or not worst:
        return tuple(worst), []
    names = ", ".join(one.question_id for one in worst)
    return (), [f"the worst questions, without texts because the documents are confidential: {names}"]


def judging_notes(bill: Bill) -> Iterator[str]:
    """That a run of judges ended early, with what was not judged."""
    if bill.judgments and bill.stopped:
        yield f"judging ended early: {bill.stopped}; {bill.not_judged:,} of {bill.planned:,} judgments were not made"


def spent(
    rows: Sequence[Row],
    judgments: Sequence[Judgment],
    costs: Sequence[float],
    settings: Evaluation,
    reused_cost: float | None = None,
) -> tuple[Spent, ...]:
    """What answering cost, what judging cost, and what people would have cost for the same judgments.

    Args:
        rows: the answers.
        judgments: of these.
        costs: of the answers, one for each.
        settings: what people cost.
        reused_cost: what the copied judgments cost when they were made; None if that is not known.
    """
    return tuple(_spent(rows, judgments, costs, settings, reused_cost))


def spent_on_live_answers(bill: Bill) -> Iterator[Spent]:
    """What judging a sample of the answers to people cost; nothing where none were judged."""
    if bill.judgments:
        answers = len({one.answer_id for one in bill.judgments})
        what = "judging answers to people"
        yield Spent(what, bill.calls, bill.input_tokens, bill.output_tokens, bill.cost, f"a sample of {answers:,}")


def _spent(
    rows: Sequence[Row],
    judgments: Sequence[Judgment],
    costs: Sequence[float],
    settings: Evaluation,
    reused_cost: float | None,
) -> Iterator[Spent]:
    called = [row for row in rows if row.model]
    read, written = (sum(getattr(row, name) for row in called) for name in ("prompt_tokens", "completion_tokens"))
    yield Spent("answering", len(called), read, written, sum(costs))
    if not judgments:
        return
    asked = [one for one in judgments if not one.cached]
    answers = len({one.answer_id for one in judgments})
    note = f"{len(judgments) / answers:.1f} for each answer"
    if copied := len(judgments) - len(asked):
        note += f"; {copied:,} more copied from earlier runs"
        note += "" if reused_cost is None else f", where they cost {reused_cost:.4g}"
    yield Spent("judging", len(asked), sum(one.input_tokens for one in asked),
                sum(one.output_tokens for one in asked), sum(one.cost for one in asked), note)  # fmt: skip
    yield _people(len(judgments), settings)


def _people(count: int, settings: Evaluation) -> Spent:
    what = "people, for the same judgments"
    if settings.hourly_rate is None:
        return Spent(what, None, None, None, math.nan, "evaluation.hourly_rate in usecase.yml is not set")
    seconds = count * settings.label_seconds
    note = f"{count:,} labels of {settings.label_seconds:g} s at {settings.hourly_rate:g} an hour"
    return Spent(what, None, None, None, seconds / _HOUR * settings.hourly_rate, note)
