"""When to abstain: how well the passages match a question, and the threshold below which no model is asked.

A small model answers from whatever passages it is given, so abstention is decided by evidence first. The score is
measured on questions with and without an answer in the corpus; the threshold separates the two best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragops.answers.retrieval.pipeline import Found


def evidence(found: Sequence[Found]) -> float:
    """The best passage's cosine similarity to the question; 0 if nothing was found or all are negative."""
    return max([0.0, *(one.similarity or 0.0 for one in found)])


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold and its effect on the questions that it was measured on.

    Attributes:
        value: the threshold.
        answered: share of answerable questions with evidence at or above it.
        refused: share of unanswerable questions with evidence below it.
        area: area under the ROC curve of the evidence; 0.5 is chance.
    """

    value: float
    answered: float
    refused: float
    area: float


def calibrate(answerable: Sequence[float], unanswerable: Sequence[float], keep: float = 0.9) -> Threshold:
    """The threshold that refuses most unanswerable questions while at least `keep` of the others are answered.

    Args:
        answerable: evidence of questions with an answer in the corpus.
        unanswerable: evidence of questions without one.
        keep: share of the answerable ones, 0 to 1.

    Raises:
        ValueError: there are no questions of one kind.
    """
    if not len(answerable) or not len(unanswerable):
        raise ValueError("questions with and without an answer are needed")
    values = [float(value) for value in np.unique([*answerable, *unanswerable])]
    thresholds = [measure_threshold(value, answerable, unanswerable) for value in values]
    return max((one for one in thresholds if one.answered >= keep), key=lambda one: (one.refused, -one.value))


def measure_threshold(value: float, answerable: Sequence[float], unanswerable: Sequence[float]) -> Threshold:
    """The effect of a given threshold; there must be questions of both kinds."""
    good, bad = np.asarray(answerable), np.asarray(unanswerable)
    wins = (good[:, None] > bad[None, :]).mean() + (good[:, None] == bad[None, :]).mean() / 2
    return Threshold(value, float((good >= value).mean()), float((bad < value).mean()), float(wins))
