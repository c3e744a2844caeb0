"""A judge's rate corrected by the answers that people labelled too, with intervals that account for both samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragops.quality.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class Labelled:
    """Answers that a judge and people judged, which must be a random sample of the judged answers.

    Attributes:
        judge: the judge's score for each answer, from 0 to 1 (for Rogan-Gladen a verdict, 0 or 1).
        people: people's verdict for each answer, 0 or 1.
        clusters: for each answer the name of its cluster.
    """

    judge: Sequence[float]
    people: Sequence[float]
    clusters: Sequence[str]


def rogan_gladen(judged: Sequence[bool], judged_clusters: Sequence[str], labelled: Labelled) -> Interval:
    """The share of good answers, from a judge's rate and its sensitivity and specificity.

    Args:
        judged: the judge's verdicts on answers without a label.
        judged_clusters: for each of these the name of its cluster.
        labelled: the answers with a label.
    """
    raise NotImplementedError


def prediction_powered(judged: Sequence[float], judged_clusters: Sequence[str], labelled: Labelled) -> Interval:
    """The share of good answers by prediction-powered inference; arguments as of `rogan_gladen`, scores allowed."""
    raise NotImplementedError
