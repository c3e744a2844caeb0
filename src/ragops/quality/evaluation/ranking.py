"""Measures of rankings against questions whose answer is known. Source of the measures: ir-measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ir_measures
import numpy as np
from ir_measures import RR, Measure, Qrel, R, ScoredDoc, nDCG
from numpy.typing import NDArray

from ragops.quality.questions import Question, holds_anchor

MEASURES: Mapping[str, Measure] = {
    "recall_at_1": R @ 1,
    "recall_at_5": R @ 5,
    "recall_at_10": R @ 10,
    "mrr": RR @ 10,
    "ndcg_at_10": nDCG @ 10,
}
"""By the names of the use case's success criteria."""
DEPTH = 10
"""Passages that they look at."""

Values = NDArray[np.float64]


def answer_rank(question: Question, texts: Sequence[str]) -> int | None:
    """The rank, from 1, of the first text that holds the question's answer."""
    anchor = question.anchor or ""
    return next((rank for rank, text in enumerate(texts, start=1) if holds_anchor(text, anchor)), None)


def measure(ranks: Sequence[int | None]) -> dict[str, Values]:
    """Each measure's value for each question, in the questions' order, shape (questions,), from 0 to 1.

    `ranks`: of each question's answer, None where it was not found. A question has one answer, however many passages
    hold it: so recall at k is the share of questions answered by the first k, and dropping duplicates costs nothing.
    """
    names = [f"{number:06d}" for number in range(len(ranks))]
    wanted = [Qrel(name, "answer", 1) for name in names]
    # A question whose answer was not found has a run too: one without would be left out of the means.
    found = [
        ScoredDoc(name, "answer" if rank == place else f"other {place}", float(-place))
        for name, rank in zip(names, ranks, strict=True)
        for place in range(1, max(rank or 0, 1) + 1)
    ]
    values = {name: np.zeros(len(ranks)) for name in MEASURES}
    labels = {str(measure): name for name, measure in MEASURES.items()}
    for metric in ir_measures.iter_calc(list(MEASURES.values()), wanted, found):
        values[labels[str(metric.measure)]][int(metric.query_id)] = metric.value
    return values
