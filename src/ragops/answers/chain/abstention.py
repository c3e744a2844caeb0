"""How well what was found fits a question, and from where on it is worth asking a model.

A small model answers whatever it is told; so abstention comes from evidence first. The score is measured on questions
with and without an answer in the corpus, and the threshold is chosen where it tells them apart best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragops.answers.retrieval.pipeline import Found


def evidence(found: Sequence[Found]) -> float:
    """The best passage's similarity to the question: its cosine, 0 where nothing was found or it is negative."""
    return max([0.0, *(one.similarity or 0.0 for one in found)])


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold, and what it does on the questions that it was measured on.

    `answered` is the share of answerable questions at or above it, `refused` that of the unanswerable ones below it,
    `area` the area under the ROC curve: 0.5 is chance.
    """

    value: float
    answered: float
    refused: float
    area: float


def calibrate(answerable: Sequence[float], unanswerable: Sequence[float], keep: float = 0.9) -> Threshold:
    """The threshold that refuses most unanswerable questions while at least `keep` of the others are answered.

    Raises:
        ValueError: there are no questions of one kind.
    """
    if not len(answerable) or not len(unanswerable):
        raise ValueError("questions with and without an answer are needed")
    places = [float(place) for place in np.unique([*answerable, *unanswerable])]
    thresholds = [judged(place, answerable, unanswerable) for place in places]
    return max((one for one in thresholds if one.answered >= keep), key=lambda one: (one.refused, -one.value))


def judged(value: float, answerable: Sequence[float], unanswerable: Sequence[float]) -> Threshold:
    """What a given threshold does on questions of both kinds; there are some of each."""
    good, bad = np.asarray(answerable), np.asarray(unanswerable)
    wins = (good[:, None] > bad[None, :]).mean() + (good[:, None] == bad[None, :]).mean() / 2
    return Threshold(value, float((good >= value).mean()), float((bad < value).mean()), float(wins))
