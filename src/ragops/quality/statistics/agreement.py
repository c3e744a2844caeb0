"""A judge against people: kappa, sensitivity and specificity, with intervals by cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragops.quality.statistics.intervals import (
    Interval,
    Sums,
    cluster_sums,
    share_interval,
    statistic_interval,
    unseen,
)


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
    """The agreement on the same answers, in the same order; without any, figures are NaN and `n` is 0.

    Args:
        judge: whether the judge calls each answer good.
        people: whether people do.
        clusters: for each answer the name of its cluster.
    """
    said, true, names = np.array(judge, np.bool_), np.array(people, np.bool_), np.array(clusters, np.str_)
    return Agreement(
        kappa=_kappa_interval(said, true, clusters),
        sensitivity=share_interval(said[true], names[true].tolist()),
        specificity=share_interval(~said[~true], names[~true].tolist()),
        n=len(true),
        positives=int(true.sum()),
    )


def kappa(sums: Sums) -> NDArray[np.float64]:
    """Cohen's kappa from the numbers of answers that are good to both, to the judge only, to people only, to none."""
    both, judge, people, none = (sums[..., column] for column in range(4))
    total = both + judge + people + none
    agreed = (both + none) / total
    expected = _expected(both + judge, both + people, total)
    found: NDArray[np.float64] = (agreed - expected) / (1 - expected)
    return found


def _expected(
    judge: NDArray[np.float64], people: NDArray[np.float64], total: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The agreement by chance of two who call these numbers of answers good."""
    found: NDArray[np.float64] = (judge * people + (total - judge) * (total - people)) / total**2
    return found


def _kappa_interval(judge: NDArray[np.bool_], people: NDArray[np.bool_], clusters: Sequence[str]) -> Interval:
    """Where all verdicts agree, the lower bound is kappa with as many errors as may have remained unseen."""
    cells = (judge & people, judge & ~people, ~judge & people, ~judge & ~people)
    sums = cluster_sums(clusters, *(cell.astype(np.float64) for cell in cells))
    found = statistic_interval(kappa, sums)
    if found.mean == 1:
        whole = sums.sum(axis=0)
        expected = float(_expected(whole[0], whole[0], whole.sum()))
        return found._replace(low=max(-1.0, 1 - unseen(len(people)) / (1 - expected)))
    return found
