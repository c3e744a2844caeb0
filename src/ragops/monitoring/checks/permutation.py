"""Two-sample tests by permutation of blocks: exact whatever the values' distribution, for few blocks and many ties.

A thousand permutations first; where these leave doubt, a second, larger sample decides alone, since a run's findings
need p-values below one in ten thousand. So an unsuspicious comparison costs a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Side = Literal["more", "less", "either"]

FIRST, SECOND = 999, 99_999
_DOUBT = 0.02
_LEVELS = 32
_SEED = 20_260
_BLOCK = 4_000_000  # numbers drawn at once

Draw = Callable[[int, np.random.Generator], Iterator[Numbers]]


def mean_shift(recent: Numbers, baseline: Numbers, side: Side = "either") -> float:
    """The p-value of a difference in means. "more": the recent mean is the larger one.

    Args:
        recent: values of blocks, shape (blocks,).
        baseline: the same.
        side: which differences count.
    """
    levels, counts, seen = _levels(recent, baseline)
    centred = levels - np.average(levels, weights=counts)
    sign = {"more": 1.0, "less": -1.0, "either": 0.0}[side]

    def statistic(drawn: Numbers) -> Numbers:
        sums = drawn @ centred
        return sign * sums if sign else np.abs(sums)

    return _p_value(lambda size, rng: _counts(counts, len(recent), size, rng), statistic, seen)


def distribution_shift(recent: Numbers, baseline: Numbers) -> tuple[float, float]:
    """Kolmogorov's and Smirnov's distance of two samples, from 0 to 1, and its p-value; arguments as `mean_shift`."""
    levels, counts, seen = _levels(recent, baseline)
    share = len(recent) / (len(recent) + len(baseline))
    pooled = np.cumsum(counts) / counts.sum()

    def statistic(drawn: Numbers) -> Numbers:
        largest: Numbers = np.abs(np.cumsum(drawn, axis=-1) / len(recent) - pooled).max(axis=-1)
        return largest

    distance = float(statistic(seen[None])[0] / (1 - share))
    return distance, _p_value(lambda size, rng: _counts(counts, len(recent), size, rng), statistic, seen)


def vector_shift(recent: Numbers, baseline: Numbers) -> float:
    """The p-value of a difference in the mean vectors; arguments of shape (blocks, dimension)."""
    pooled = np.concatenate([recent, baseline])
    pooled = pooled - pooled.mean(axis=0)
    products = pooled @ pooled.T

    def statistic(chosen: Numbers) -> Numbers:
        lengths: Numbers = np.einsum("pi,pi->p", chosen @ products, chosen)
        return lengths

    return _p_value(_subsets(len(recent), len(pooled)), statistic, _indicator(recent, baseline))


def share_shift(recent: Numbers, baseline: Numbers) -> tuple[int, float]:
    """The category whose share has grown most, and the p-value of the largest growth of any.

    Args:
        recent: shares of the categories in each block, shape (blocks, categories).
        baseline: the same.
    """
    pooled = np.concatenate([recent, baseline])
    spread = pooled.std(axis=0)
    scaled = (pooled - pooled.mean(axis=0)) / np.where(spread > 0, spread, 1.0)

    def statistic(chosen: Numbers) -> Numbers:
        largest: Numbers = (chosen @ scaled).max(axis=-1)
        return largest

    seen = _indicator(recent, baseline)
    grown = int(np.argmax(seen @ scaled))
    return grown, _p_value(_subsets(len(recent), len(pooled)), statistic, seen)


def _p_value(draw: Draw, statistic: Callable[[Numbers], Numbers], seen: Numbers) -> float:
    found = 1.0
    limit = float(statistic(seen[None])[0])
    limit -= 1e-9 * max(1.0, abs(limit))  # equal sums in another order differ by rounding
    for number, size in enumerate((FIRST, SECOND)):
        rng = np.random.default_rng(_SEED + number)
        extreme = sum(int((statistic(drawn) >= limit).sum()) for drawn in draw(size, rng))
        found = (extreme + 1) / (size + 1)
        if found > _DOUBT:
            break
    return found


def _levels(recent: Numbers, baseline: Numbers) -> tuple[Numbers, NDArray[np.int64], Numbers]:
    """The values in at most 32 levels, how many blocks have each, and how many recent ones have."""
    pooled = np.concatenate([recent, baseline])
    distinct, codes = np.unique(pooled, return_inverse=True)
    if len(distinct) > _LEVELS:
        edges = np.unique(np.quantile(pooled, np.linspace(0, 1, _LEVELS + 1)[1:-1]))
        codes = np.searchsorted(edges, pooled, side="right")
        _, codes = np.unique(codes, return_inverse=True)
    counts = np.bincount(codes)
    levels = np.bincount(codes, weights=pooled) / counts
    return levels, counts, np.bincount(codes[: len(recent)], minlength=len(counts)).astype(np.float64)


def _counts(counts: NDArray[np.int64], drawn: int, size: int, rng: np.random.Generator) -> Iterator[Numbers]:
    """How many of each level a random subset of the blocks has, shape (size, levels)."""
    yield rng.multivariate_hypergeometric(counts, drawn, size=size, method="marginals").astype(np.float64)


def _indicator(recent: Numbers, baseline: Numbers) -> Numbers:
    return np.concatenate([np.ones(len(recent)), np.zeros(len(baseline))])


def _subsets(drawn: int, count: int) -> Draw:
    """Which blocks a random subset has, in pieces of shape (subsets, blocks)."""

    def draw(size: int, rng: np.random.Generator) -> Iterator[Numbers]:
        left = size
        while left:
            piece = min(left, max(1, _BLOCK // count))
            ranks = rng.random((piece, count), np.float32)
            limit = np.partition(ranks, drawn - 1, axis=1)[:, drawn - 1 : drawn]
            yield (ranks <= limit).astype(np.float64)
            left -= piece

    return draw
