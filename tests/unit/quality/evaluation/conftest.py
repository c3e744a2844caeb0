"""A small generation in memory, and an evaluator over it whose figures are known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.index.passages import Entry
from ragops.quality.evaluation.retrieval import Evaluator, SettingsResult, settings_grid
from ragops.quality.questions import Question
from ragops.usecase import Criterion, UseCase
from tests.support.evaluations import USE_CASE
from tests.support.memory_generation import make_generation, make_passage

ROWS = 12


class Pointing:
    """Encodes the question about an even passage as that passage's vector, and about an odd one as the first's."""

    dimension = 8

    def __init__(self, rows: Sequence[Entry]) -> None:
        self._rows = rows

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        numbers = [int(text.split("number")[1]) for text in texts]
        return np.stack([self._rows[number if number % 2 == 0 else 0].vector for number in numbers])


def count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@pytest.fixture
def use_case() -> UseCase:
    success = tuple(
        Criterion(measure=name, at_least=floor, why="so") for name, floor in [("recall_at_1", 0.9), ("mrr", 1.0)]
    )
    retrieval = RetrievalSettings(fusion="lexical", duplicates=None)
    return USE_CASE.model_copy(update={"success": success, "retrieval": retrieval})


@pytest.fixture
def evaluator() -> Evaluator:
    rows = [make_passage(number, f"anchor{number} text number{number}", f"doc{number % 4}") for number in range(ROWS)]
    rows[2] = replace(rows[2], groups=("hr",))
    questions = [
        Question(
            question_id=str(n), question=f"number{n}", kind="k", topic=f"t{n // 3}", anchor=f"anchor{n}", answer="a"
        )
        for n in range(ROWS)
    ]
    return Evaluator(make_generation(rows), Pointing(rows), count, questions)


@pytest.fixture
def results(evaluator: Evaluator, use_case: UseCase) -> list[SettingsResult]:
    return evaluator.evaluate(settings_grid(use_case.retrieval))
