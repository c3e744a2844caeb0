"""A judge against people: kappa, sensitivity and specificity, with intervals by cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragops.quality.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a judge's verdicts agree with people's on the same answers.

    Attributes:
        kappa: Cohen's; NaN where judge and people all say the same one thing.
        sensitivity: of the answers that people call good, the share that the judge does; NaN without any.
        specificity: of those that people call bad, the share that the judge does; NaN without any.
        n: labelled answers.
        positives: of these, the number that people call good.
    """

    kappa: Interval
    sensitivity: Interval
    specificity: Interval
    n: int
    positives: int

    def decides(self, min_kappa: float) -> bool:
        """Whether the judge may decide: kappa reaches the minimum, and is more than chance in enough clusters."""
        return self.kappa.mean >= min_kappa and self.kappa.sign > 0


def agreement(judge: Sequence[bool], people: Sequence[bool], clusters: Sequence[str]) -> Agreement:
    """The agreement on the same answers, in the same order; empty sequences give NaN and n = 0."""
    raise NotImplementedError
