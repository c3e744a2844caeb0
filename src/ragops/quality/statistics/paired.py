"""Two chains on the same questions: the difference, whether it is more than chance, and what could have been seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from ragops.quality.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """A paired comparison of two chains on one measure.

    Attributes:
        difference: the mean of own minus other, with its interval by cluster.
        effect_size: the mean difference in standard deviations of the differences; 0 where all are 0.
        p_value: of the sign-flip test over clusters, two-sided. This one decides.
        test: the customary test for such values, "McNemar" where all are 0 or 1, else "Wilcoxon".
        test_p_value: that test's; it takes questions for independent, and is reported for comparison only.
        n: the number of questions.
        discordant: the number of questions on which the two differ.
        detectable: the smallest true difference that this test finds in 80 of 100 samples of this size.
    """

    difference: Interval
    effect_size: float
    p_value: float
    test: str
    test_p_value: float
    n: int
    discordant: int
    detectable: float


def paired(own: ArrayLike, others: ArrayLike, clusters: Sequence[str]) -> Comparison:
    """Compares two chains' values on the same questions, in the same order, without NaN."""
    raise NotImplementedError


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: below 0.05 each is significant among all of them."""
    raise NotImplementedError
