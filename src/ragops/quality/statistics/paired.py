"""Two chains on the same questions: the difference, whether it is more than chance, and what could have been seen.

What decides is a sign-flip test over clusters: if the chains are equally good, either could have given either answer,
so the differences of any document's questions, together, could as well have the opposite sign. It is exact for few
clusters and any values, while McNemar's test and Wilcoxon's take each question for independent: of 50 questions in 15
clusters, with half of the differences' variance between clusters, they call equal chains different in 16 % and 23 % of
samples, and sign flips in 3 to 4 % (1,500 samples; 5 % are meant). They are reported because people know them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragops.quality.statistics.intervals import (
    FEWEST_CLUSTERS,
    LEVEL,
    SEED,
    Interval,
    cluster_sums,
    difference_interval,
    quantile,
    ratio,
    standard_error,
)

POWER = 0.8
FLIPS = 9_999
_MOST_EXACT = 13
"""Up to this number of clusters with a difference, all 2^13 combinations of signs are tried; then a sample of FLIPS."""
_BLOCK = 1_000_000
"""Signs drawn at once: 8 MB."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A paired comparison of two chains on one measure.

    Attributes:
        difference: the mean of own minus other, with its interval by cluster.
        effect_size: the mean difference in standard deviations of the differences; infinite where all are the same.
        p_value: of the sign-flip test over clusters, two-sided. This one decides.
        test: the customary test for such values, "McNemar" where all are 0 or 1, else "Wilcoxon".
        test_p_value: that test's; it takes questions for independent, and is reported for comparison only.
        n: the number of questions.
        discordant: the number of questions on which the two differ.
        detectable: the smallest true difference that is found in 80 of 100 samples of this size; NaN with one cluster.
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
    """Compares two chains' values on the same questions.

    Args:
        own: one chain's values, shape (questions,), without NaN.
        others: the other's on the same questions in the same order.
        clusters: for each question the name of its cluster.
    """
    first, second = np.asarray(own, np.float64), np.asarray(others, np.float64)
    differences = first - second
    sums = cluster_sums(clusters, differences, np.ones(len(differences)))
    is_binary = bool(np.isin(first, (0, 1)).all() and np.isin(second, (0, 1)).all())
    return Comparison(
        difference=difference_interval(differences, clusters),
        effect_size=_effect_size(differences),
        p_value=sign_flip(sums[:, 0]),
        test="McNemar" if is_binary else "Wilcoxon",
        test_p_value=mcnemar(differences) if is_binary else wilcoxon(differences),
        n=len(differences),
        discordant=int(np.count_nonzero(differences)),
        detectable=_detectable(differences, sums),
    )


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: those up to 0.05 are significant among all of them."""
    order = np.argsort(p_values)
    factors = np.arange(len(order), 0, -1)
    found = np.zeros(len(order))
    found[order] = np.minimum(1, np.maximum.accumulate(np.asarray(p_values, np.float64)[order] * factors))
    return [float(value) for value in found]


def sign_flip(sums: Numbers) -> float:
    """The two-sided p-value of sums of differences, one per cluster, if each could have either sign."""
    known = sums[sums != 0]
    seen = abs(known.sum()) * (1 - 1e-9)  # sums of the same numbers in another order differ by rounding
    extreme = tried = 0
    for signs in _signs(len(known)):
        extreme += int(np.sum(np.abs(signs @ known) >= seen))
        tried += len(signs)
    return extreme / tried if len(known) <= _MOST_EXACT else (extreme + 1) / (tried + 1)


def mcnemar(differences: Numbers) -> float:
    """The p-value of McNemar's exact test, from differences of -1, 0 and 1."""
    from scipy.special import bdtr

    better, worse = int(np.sum(differences > 0)), int(np.sum(differences < 0))
    return min(1.0, 2 * float(bdtr(min(better, worse), better + worse, 0.5))) if better + worse else 1.0


def wilcoxon(differences: Numbers) -> float:
    """The p-value of Wilcoxon's signed-rank test, without the differences that are 0."""
    known = differences[differences != 0]
    if not len(known):
        return 1.0
    from scipy import stats

    return float(stats.wilcoxon(known).pvalue)


def _signs(count: int) -> Iterator[Numbers]:
    """All combinations of signs, or a sample of them, in blocks of shape (combinations, count)."""
    if count <= _MOST_EXACT:
        yield np.array(list(product((-1.0, 1.0), repeat=count)))
        return
    rng, left = np.random.default_rng(SEED), FLIPS
    while left:
        size = min(left, max(1, _BLOCK // count))
        yield rng.choice(np.array([-1.0, 1.0]), (size, count))
        left -= size


def _effect_size(differences: Numbers) -> float:
    mean = float(differences.mean()) if len(differences) else float("nan")
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else float("nan")
    return mean / spread if spread else float(np.copysign(np.inf, mean)) if mean else 0.0


def _detectable(differences: Numbers, sums: Numbers) -> float:
    """From the standard error, but never less than what the sign-flip test needs: FEWEST_CLUSTERS that all agree."""
    count = len(sums)
    if count < 2:
        return float("nan")
    reach = quantile((1 + LEVEL) / 2, count - 1) + quantile(POWER, count - 1)
    step = float(np.abs(differences[differences != 0]).min()) if differences.any() else 1.0
    return max(reach * standard_error(ratio, sums), FEWEST_CLUSTERS * step / len(differences))
