"""Aligns a judge with people: corrected cases become examples, and are kept if the judge then agrees better.

Each case is judged with the examples of other clusters only, so what is measured is a cross-validation, and the very
version of the judge that is kept. Only cases that were drawn at random decide: of cases that were drawn because a judge
had failed, any other judge would do better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ragops.errors import UserError
from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.asking import Judges
from ragops.quality.judges.bill import Bill
from ragops.quality.judges.examples import CorrectedCases, corrected
from ragops.quality.judges.judge import NO_EXAMPLES, Example, Examples
from ragops.quality.judges.rows import Judgment
from ragops.quality.statistics.agreement import Agreement, agreement, kappa
from ragops.quality.statistics.intervals import (
    FEWEST_CLUSTERS,
    Interval,
    Sums,
    cluster_sums,
    statistic_interval,
)
from ragops.usecase.evaluation import JudgeName

FEWEST_CASES = 20
"""Labelled answers drawn at random: with fewer the interval of a difference of kappas covers nearly everything."""

Ask = Callable[[Sequence[AnswerToJudge], Judges], Bill]
"""Has answers judged, reusing what is known."""


@dataclass(frozen=True, slots=True)
class Case:
    """An answer with what people say of it in the judge's dimension.

    Attributes:
        item: the answer.
        good: what most reviewers say.
        comment: a reviewer's; None without one.
        at_random: whether the answer was drawn at random.
        shareable: whether everybody may read its passages; only such a case becomes an example.
    """

    item: AnswerToJudge
    good: bool
    comment: str | None = None
    at_random: bool = True
    shareable: bool = True


@dataclass(frozen=True, slots=True)
class Alignment:
    """What aligning a judge came to.

    Attributes:
        judge: the dimension.
        versions: of the judge before and after.
        before: agreement with people, without the new examples.
        after: with them, cross-validated.
        difference: of the two kappas, paired by answer.
        examples: corrected cases.
        keeps: whether the examples are to be kept.
        reason: why, in one line.
        tokens: read for a judgment, on average, before and after.
        cost: of all judgments that were made for it.
        judgments: of the version after.
    """

    judge: JudgeName
    versions: tuple[str, str]
    before: Agreement
    after: Agreement
    difference: Interval
    examples: CorrectedCases
    keeps: bool
    reason: str
    tokens: tuple[float, float]
    cost: float
    judgments: tuple[Judgment, ...]


def align(judges: Judges, cases: Sequence[Case], ask: Ask, own: Examples = NO_EXAMPLES) -> Alignment:
    """Aligns one judge. Nothing is written.

    Args:
        judges: exactly one judge.
        cases: labelled answers.
        ask: has answers judged.
        own: the examples that the judge has now.

    Raises:
        UserError: there are too few cases, people say the same of all of them, or nothing can be judged.
    """
    (judge,) = judges.judges
    usable = [case for case in cases if not judge.why_not(case.item)]
    _check(judge.name, [case for case in usable if case.at_random])
    items = [case.item for case in usable]
    plain = ask(items, _with(judges, NO_EXAMPLES))
    pool = CorrectedCases(tuple(_corrected(judges, usable, _by_answer(plain))))
    present = plain if own.version == NO_EXAMPLES.version else ask(items, _with(judges, own))
    aligned = ask(items, _with(judges, pool)) if pool.examples else present
    return _alignment(judges, usable, pool, own, (plain, present, aligned))


def _alignment(
    judges: Judges, cases: Sequence[Case], pool: CorrectedCases, own: Examples, bills: tuple[Bill, Bill, Bill]
) -> Alignment:
    (judge,) = judges.judges
    _, present, aligned = bills
    counted = [case for case in cases if case.at_random]
    people = [case.good for case in counted]
    clusters = [case.item.cluster for case in counted]
    said = [_verdicts(counted, _by_answer(bill)) for bill in (present, aligned)]
    before, after = (agreement(one, people, clusters) for one in said)
    difference = kappa_difference(said[0], said[1], people, clusters)
    keeps = bool(pool.examples) and difference.sign > 0 and _is_complete(present, aligned)
    distinct = {id(bill): bill for bill in bills}.values()
    return Alignment(
        judge=judge.name,
        versions=(replace(judge, examples=own).version, replace(judge, examples=pool).version),
        before=before,
        after=after,
        difference=difference,
        examples=pool,
        keeps=keeps,
        reason=_reason(pool, difference, keeps, _is_complete(present, aligned)),
        tokens=(_tokens(present), _tokens(aligned)),
        cost=sum(bill.cost for bill in distinct),
        judgments=aligned.judgments,
    )


def kappa_difference(
    before: Sequence[bool], after: Sequence[bool], people: Sequence[bool], clusters: Sequence[str]
) -> Interval:
    """How much kappa rises, with its interval; both judges see the same draws of clusters."""
    true = np.array(people, np.bool_)
    columns = []
    for given in (before, after):
        said = np.array(given, np.bool_)
        columns += [said & true, said & ~true, ~said & true, ~said & ~true]
    sums = cluster_sums(clusters, *(column.astype(np.float64) for column in columns))
    return statistic_interval(_rise, sums)


def _rise(sums: Sums) -> NDArray[np.float64]:
    found: NDArray[np.float64] = kappa(sums[..., 4:]) - kappa(sums[..., :4])
    return found


def _check(name: JudgeName, counted: Sequence[Case]) -> None:
    clusters = {case.item.cluster for case in counted}
    if len(counted) < FEWEST_CASES or len(clusters) < FEWEST_CLUSTERS:
        needed = f"at least {FEWEST_CASES} in {FEWEST_CLUSTERS} clusters are needed"
        raise UserError(
            f"judge {name}: {len(counted)} labelled answers drawn at random, in {len(clusters)} clusters; {needed}; "
            f"label more on the page /review"
        )
    if len({case.good for case in counted}) == 1:
        said = "good" if counted[0].good else "bad"
        raise UserError(
            f"judge {name}: people call all {len(counted)} answers {said}, so any agreement may be chance; "
            f"label more on the page /review"
        )


def _with(judges: Judges, examples: Examples) -> Judges:
    (judge,) = judges.judges
    return replace(judges, judges=(replace(judge, examples=examples),))


def _corrected(judges: Judges, cases: Sequence[Case], said: Mapping[str, Judgment]) -> Iterator[Example]:
    """The cases in which the judge's verdict is not that of people."""
    (judge,) = judges.judges
    for case in cases:
        judgment = said.get(case.item.answer_id)
        if case.shareable and judgment is not None and judgment.good not in (None, case.good):
            yield corrected(judge, case.item, judgment, case.good, case.comment)


def _by_answer(bill: Bill) -> dict[str, Judgment]:
    return {one.answer_id: one for one in bill.judgments}


def _verdicts(cases: Sequence[Case], said: Mapping[str, Judgment]) -> list[bool]:
    """The judge's verdict on each case; without one it counts as the opposite of what people say."""
    found = (said.get(case.item.answer_id) for case in cases)
    return [
        not case.good if one is None or one.good is None else one.good for case, one in zip(cases, found, strict=True)
    ]


def _is_complete(*bills: Bill) -> bool:
    return not any(bill.stopped for bill in bills)


def _tokens(bill: Bill) -> float:
    read = [one.input_tokens for one in bill.judgments if one.input_tokens]
    return sum(read) / len(read) if read else 0.0


def _reason(pool: CorrectedCases, difference: Interval, keeps: bool, complete: bool) -> str:
    if not pool.examples:
        return "no case can become an example: people contradict the judge nowhere, or not on passages for everybody"
    if not complete:
        return "not all cases were judged, so nothing is decided; raise evaluation.budget, or see ragops judges list"
    change = f"kappa changes by {difference.mean:+.2f} (95 %: {difference.low:+.2f} to {difference.high:+.2f})"
    return f"{change}: {'the examples help' if keeps else 'that may be chance, so nothing is kept'}"
