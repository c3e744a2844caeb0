"""Confidence intervals of means, and of any statistic of sums, over questions that belong to clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
FEWEST_CLUSTERS = 6
"""Fewer cannot show what chance does: two that agree give an interval of width 0. MLflow asks for as many pairs."""

Sums = NDArray[np.float64]
"""Sums over the rows of each cluster, shape (clusters, sums); or of whole samples, shape (samples, sums)."""
Statistic = Callable[[Sums], NDArray[np.float64]]
"""Gives one number for each row of sums."""


class Interval(NamedTuple):
    """A mean, its 95 % confidence interval, and the number of clusters behind it."""

    mean: float
    low: float
    high: float
    clusters: int

    @property
    def sign(self) -> int:
        """1 or -1 where the mean differs significantly from 0; else, or with too few clusters, 0."""
        return (self.low > 0) - (self.high < 0) if self.clusters >= FEWEST_CLUSTERS else 0

    @property
    def verdict(self) -> str:
        """Of a difference: "better" or "worse" where it is significant, else ""."""
        return ("", "better", "worse")[self.sign]

    def __str__(self) -> str:
        """For example: 0.512 [0.448, 0.571]."""
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean_interval(values: ArrayLike, clusters: Sequence[str]) -> Interval:
    """The mean of the values with its interval.

    Args:
        values: one per question, shape (questions,), without NaN.
        clusters: for each question the name of its cluster.
    """
    given = np.asarray(values, np.float64)
    return statistic_interval(ratio, cluster_sums(clusters, given, np.ones(len(given))))


def cluster_sums(clusters: Sequence[str], *columns: NDArray[np.float64]) -> Sums:
    """The sum of each column over the rows of each cluster, shape (clusters, columns)."""
    if not len(clusters):
        return np.zeros((0, len(columns)))
    _, numbers = np.unique(np.asarray(clusters), return_inverse=True)
    return np.stack([np.bincount(numbers, weights=column) for column in columns], axis=1)


def ratio(sums: Sums) -> NDArray[np.float64]:
    """The mean: the first sum divided by the second."""
    means: NDArray[np.float64] = sums[..., 0] / sums[..., 1]
    return means


def statistic_interval(statistic: Statistic, sums: Sums) -> Interval:
    """The statistic of all clusters together, with its interval."""
    from scipy.special import stdtrit

    count = len(sums)
    if not count:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    whole = sums.sum(axis=0)
    value = float(statistic(whole[None])[0])
    if count == 1:
        return Interval(value, float("nan"), float("nan"), 1)
    without = statistic(whole - sums)
    error = np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2))
    reach = float(stdtrit(count - 1, (1 + LEVEL) / 2) * error)
    return Interval(value, value - reach, value + reach, count)
