"""Confidence intervals of means: the bootstrap over clusters of questions that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 5_000
SEED = 20_240
LEVEL = 0.95
FEWEST_CLUSTERS = 6
"""Fewer cannot show what chance does: two that agree give an interval of width 0. MLflow asks for as many pairs."""


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


def interval(values: NDArray[np.float64], clusters: Sequence[str]) -> Interval:
    """The mean of the values with its interval.

    Results of questions about one document rise and fall together, so whole clusters are drawn, with replacement:
    drawing single questions would make the interval too narrow. The same values give the same interval, and all sets
    of values with the same clusters see the same draws, so that differences are paired.

    Args:
        values: one per question, shape (questions,).
        clusters: for each question the name of its cluster.
    """
    if not len(values):
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    _, numbers = np.unique(np.asarray(clusters), return_inverse=True)
    sums, sizes = np.bincount(numbers, weights=values), np.bincount(numbers)
    count = len(sizes)
    draws = _draws(count)
    means = (draws @ sums) / (draws @ sizes)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values.mean()), float(low), float(high), count)


@lru_cache(maxsize=2)
def _draws(count: int) -> NDArray[np.int64]:
    """How often each resample has each cluster, shape (RESAMPLES, count): a report needs them for all its measures."""
    return np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
