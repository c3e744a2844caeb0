"""What was measured of a chain, and how it compares with another one: paired by question, clustered by document."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

from ragops.quality.evaluation.answers import DECISIVE, Row, metrics
from ragops.quality.judges.rows import Judgment
from ragops.quality.statistics.intervals import Interval, share_interval
from ragops.quality.statistics.paired import Comparison, adjusted, paired
from ragops.usecase.evaluation import JUDGES

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What was measured of one chain.

    Attributes:
        rows: its answers, one for each question.
        judgments: the judgments on them, in all states.
        figures: other measures by name; those of rows and judgments are added.
        question_set: the version of the questions; "" if it is not known.
    """

    rows: Sequence[Row]
    judgments: Sequence[Judgment] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    question_set: str = ""

    @property
    def judged(self) -> tuple[str, ...]:
        """The names of its judges, whether or not they gave a verdict."""
        names = {one.judge for one in self.judgments}
        return tuple(name for name in JUDGES if name in names)

    def versions(self, judge: str) -> frozenset[str]:
        """The versions of a judge that judged it."""
        return frozenset(one.judge_version for one in self.judgments if one.judge == judge)

    def states(self, judge: str) -> Counter[str]:
        """How many of a judge's calls ended how."""
        return Counter(one.state for one in self.judgments if one.judge == judge)

    def values(self, name: str) -> dict[str, float]:
        """A check's values or a judge's scores by question, without questions that have none."""
        if name in JUDGES:
            mine = (one for one in self.judgments if one.judge == name and one.question_id is not None)
            return {str(one.question_id): one.score for one in mine if one.score is not None}
        known = ((row.question_id, row.values[name]) for row in self.rows if row.error is None)
        return {question: value for question, value in known if not math.isnan(value)}

    def interval(self, name: str) -> Interval:
        """A check's or a judge's mean with its interval."""
        values, clusters = self.values(name), self.clusters
        return share_interval(list(values.values()), [clusters[question] for question in values])

    def measures(self) -> dict[str, float]:
        """All figures by name; measures without any value are missing."""
        scores = {name: self.values(name).values() for name in self.judged}
        means = {name: fmean(found) for name, found in scores.items() if found}
        return {**self.figures, **metrics(self.rows), **means}

    @property
    def clusters(self) -> dict[str, str]:
        """Each question's cluster."""
        return {row.question_id: row.cluster for row in self.rows}


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure of a chain and of the champion.

    Attributes:
        name: the check or the judge.
        decides: whether the gate uses it.
        own: the chain's mean.
        champion: the champion's.
        paired: the comparison on the questions for which both have a value.
        adjusted: its p-value, corrected for the number of measures that decide, or of those that do not.
        verdict: "better" or "worse" where the difference is more than chance, else "".
    """

    name: str
    decides: bool
    own: Interval
    champion: Interval
    paired: Comparison
    adjusted: float
    verdict: Literal["better", "worse", ""]


def compared(own: Evaluated, champion: Evaluated, informing: Collection[str]) -> tuple[Compared, ...]:
    """All measures that both have, of the decisive checks and of judges whose versions are the same for both.

    Holm's correction is for "better in at least one": without it, each further measure would be one more chance to be
    better by accident. That none is worse than the margin needs no correction, since all must hold (Berger 1982): more
    measures make that harder, not easier.

    Args:
        own: the chain's results.
        champion: the champion's, on the same questions.
        informing: the measures that do not decide.
    """
    judged = [name for name in own.judged if own.versions(name) == champion.versions(name)]
    found = [(name, _paired(own, champion, name)) for name in (*DECISIVE, *judged)]
    known = [(name, one) for name, one in found if one.n]
    corrected = [
        _corrected([one for one in known if (one[0] not in informing) is decides]) for decides in (True, False)
    ]
    p_values = {**corrected[0], **corrected[1]}
    return tuple(_compared(name, name not in informing, own, champion, one, p_values[name]) for name, one in known)


def _corrected(found: Sequence[tuple[str, Comparison]]) -> dict[str, float]:
    """The adjusted p-values by name. What differs nowhere cannot be significant and does not count (Tarone 1990)."""
    differing = [(name, one.p_value) for name, one in found if one.discordant]
    p_values = adjusted([p_value for _, p_value in differing])
    return dict.fromkeys((name for name, _ in found), 1.0) | dict(zip(dict(differing), p_values, strict=True))


def _compared(
    name: str, decides: bool, own: Evaluated, champion: Evaluated, found: Comparison, p_value: float
) -> Compared:
    verdict: Literal["better", "worse", ""] = ""
    if p_value <= SIGNIFICANT and found.difference.mean:
        verdict = "better" if found.difference.mean > 0 else "worse"
    return Compared(name, decides, own.interval(name), champion.interval(name), found, p_value, verdict)


def _paired(own: Evaluated, champion: Evaluated, name: str) -> Comparison:
    mine, theirs, clusters = own.values(name), champion.values(name), own.clusters
    both = [question for question in mine if question in theirs]
    return paired(
        [mine[question] for question in both],
        [theirs[question] for question in both],
        [clusters[question] for question in both],
    )
