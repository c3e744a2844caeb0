"""The interface of all rerankers."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


class Reranker(Protocol):
    """A model that scores a question together with a passage."""

    def score(self, question: str, texts: Sequence[str]) -> Scores:
        """Scores how well each text answers the question: float32, shape (texts,), from 0 to 1, higher is better."""


def probabilities(logits: Scores) -> Scores:
    """The logistic function of logits, so that all cross-encoders score from 0 to 1."""
    scores: Scores = (0.5 * (1 + np.tanh(logits.astype(np.float32) / 2))).astype(np.float32)
    return scores
