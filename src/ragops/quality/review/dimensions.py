"""The judges' dimensions in the words in which people are asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ragops.usecase.evaluation import JudgeName


@dataclass(frozen=True, slots=True)
class Dimension:
    """One question to a reviewer. Good means what a score of at least `GOOD_FROM` means by the judge's prompt."""

    title: str
    question: str
    good: str
    bad: str


DIMENSIONS: Mapping[JudgeName, Dimension] = {
    "context_relevance": Dimension(
        "Passages",
        "Do the passages help to answer the question?",
        "at least one states a part of the answer, or something that the answer follows from",
        "none helps, even if they are about the same subject",
    ),
    "groundedness": Dimension(
        "Support",
        "Do the passages say what the answer says? What you know yourself does not count.",
        "they say at least half of it",
        "they say less than half of it, or the opposite",
    ),
    "answer_relevance": Dimension(
        "Relevance",
        "Does the answer answer what was asked, whether it is true or not?",
        "it answers at least a part of what was asked",
        "it answers something else, or nothing",
    ),
    "correctness": Dimension(
        "Correctness",
        "Does the answer say what the right answer says?",
        "it says at least a part of that, and contradicts none of it",
        "it says none of that, or contradicts it",
    ),
}
