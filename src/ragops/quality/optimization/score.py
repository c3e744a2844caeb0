"""What an answer is worth to the optimizer, and what is said of it to the model that writes better instructions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ragops.quality.evaluation.answers import DECISIVE, Outcome
from ragops.quality.questions import Question

_RIGHTLY_NONE = "Right: it says that the passages do not answer this."
_WRONGLY_SOME = "Wrong: the passages do not answer this, and it should have said so and nothing else."


def score(values: Mapping[str, float]) -> float:
    """From 0 to 1: the mean of those decisive checks that apply to the question; NaN where none does."""
    known = [values[name] for name in DECISIVE if not math.isnan(values.get(name, math.nan))]
    return sum(known) / len(known) if known else math.nan


def judgement(question: Question, outcome: Outcome, values: Mapping[str, float]) -> str:
    """What was right and what was wrong, in words that say nothing of the documents."""
    return " ".join([*_of_the_answer(question, outcome, values), *_of_the_citations(outcome)])


def _of_the_answer(question: Question, outcome: Outcome, values: Mapping[str, float]) -> Iterator[str]:
    if not question.answerable:
        yield _RIGHTLY_NONE if outcome.abstained else _WRONGLY_SOME
    elif outcome.abstained:
        yield "Wrong: it says that there is no answer, though the documents hold one."
    elif values["supported"]:
        yield "Right: it cites a passage that holds the answer."
    else:
        yield "Wrong: none of the passages that it cites holds the answer."


def _of_the_citations(outcome: Outcome) -> Iterator[str]:
    if outcome.removed_citations:
        yield f"It cites {outcome.removed_citations} passages that it was not given."
    if outcome.quoted:
        yield "It cited nothing, so the passages' own sentences had to take its place."
