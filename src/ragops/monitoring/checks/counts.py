"""Whether a count fits those of the periods before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

_ANSCOMBE = 3 / 8  # added to Poisson counts, so that the spread of twice their square root is 1
_FEWEST = 7
"""Periods: fewer do not show how much counts vary."""


def count_shift(count: float, before: ArrayLike) -> tuple[float, float] | None:
    """What was expected, and the two-sided p-value of a count; None with fewer than seven periods before it.

    Counts of periods vary more than Poisson's, so their square roots, whose spread does not depend on the mean, are
    compared by Student's t (prediction of one more value), with a spread of at least that of Poisson counts. Working
    days and holidays are part of the spread.

    Args:
        count: of the period in question.
        before: of the periods before it, shape (periods,); trailing zeros, before the first use, do not count.
    """
    counts = np.trim_zeros(np.asarray(before, np.float64), "b")
    if len(counts) < _FEWEST:
        return None
    from scipy.special import stdtr

    roots = 2 * np.sqrt(counts + _ANSCOMBE)
    mean, freedom = float(roots.mean()), len(counts) - 1
    spread = max(float(roots.std(ddof=1)), 1.0) * np.sqrt(1 + 1 / len(counts))
    distance = abs(2 * float(np.sqrt(count + _ANSCOMBE)) - mean) / spread
    return max(0.0, mean**2 / 4 - _ANSCOMBE), min(1.0, 2 * float(stdtr(freedom, -distance)))
