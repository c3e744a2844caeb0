import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.index.passages import Entry
from ragops.quality.evaluation.reports.retrieval import as_rows, criteria, show
from ragops.quality.evaluation.retrieval import IN_CONTEXT, Evaluator, Measured
from ragops.quality.evaluation.settings_grid import grid
from ragops.quality.questions import Question
from ragops.usecase import Criterion, UseCase, load_usecase

ROWS = 12


class Pointing:
    """Encodes the question about passage n as that passage's vector, but for odd ones as another's."""

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
    use_case = load_usecase(Path(__file__).parents[4] / "usecase.yml")
    wanted = tuple(
        Criterion(measure=name, at_least=floor, why="so") for name, floor in [("recall_at_1", 0.9), ("mrr", 1.0)]
    )
    retrieval = RetrievalSettings(fusion="lexical", duplicates=None)
    return use_case.model_copy(update={"success": wanted, "retrieval": retrieval})


@pytest.fixture
def evaluator(make_passage: Callable[..., Entry], make_generation: Callable) -> Evaluator:
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
def measured(evaluator: Evaluator, use_case: UseCase) -> list[Measured]:
    return evaluator.evaluate(grid(use_case.retrieval))


def of(measured: Sequence[Measured], **settings: object) -> Measured:
    return next(m for m in measured if all(getattr(m.settings, name) == value for name, value in settings.items()))


def test_figures_are_of_the_searches(measured: list[Measured]) -> None:
    dense, lexical = of(measured, fusion="dense"), of(measured, fusion="lexical")
    assert lexical.interval("recall_at_1").mean == 1.0
    assert dense.values["recall_at_1"].tolist() == [number % 2 == 0 for number in range(ROWS)]
    assert dense.values["recall_at_1"][2] == 1, "a restricted passage counts: the search is measured, not a reader's"
    gap = dense.difference(lexical, "recall_at_1")
    assert gap.mean == -0.5
    assert gap.low < gap.mean < gap.high < 0
    assert dense.clusters == tuple(f"t{number // 3}" for number in range(ROWS))


def test_the_context_is_of_the_use_case_s_k_and_budget(evaluator: Evaluator) -> None:
    one = RetrievalSettings(fusion="dense", k=1, duplicates=None)
    few, many = evaluator.evaluate([one, one.model_copy(update={"k": 10})])
    assert few.values[IN_CONTEXT].tolist() == few.values["recall_at_1"].tolist()
    assert many.values[IN_CONTEXT].tolist() == many.values["recall_at_10"].tolist()
    assert few.values["recall_at_10"].tolist() == many.values["recall_at_10"].tolist()
    assert few.tokens.tolist() == [3.0] * ROWS
    assert many.tokens.tolist() == [30.0] * ROWS
    assert (few.milliseconds > 0).all()


def test_criteria_are_checked_by_the_use_case_s_own_settings(measured: list[Measured], use_case: UseCase) -> None:
    lines = list(criteria(measured, use_case))
    assert [met for met, _ in lines[:2]] == [True, True]
    assert lines[0][1].startswith("recall_at_1 1.000 [1.000, 1.000], wanted 0.9: so")
    dense = use_case.model_copy(update={"retrieval": of(measured, fusion="dense").settings})
    assert [met for met, _ in list(criteria(measured, dense))[:2]] == [False, False]
    slow = use_case.model_copy(update={"sla": use_case.sla.model_copy(update={"search_p95_ms": 1e-6})})
    assert list(criteria(measured, slow))[-1][0] is False


@pytest.mark.parametrize("width", [80, 240])
def test_the_table_marks_the_use_case_s_choice_and_shows_every_figure(
    measured: list[Measured], use_case: UseCase, width: int
) -> None:
    console = Console(width=width)
    with console.capture() as printed:
        show(console, measured, use_case)
    lines = printed.get().splitlines()
    assert lines[0].startswith("12 questions in 4 topics")
    (marked,) = (number for number, line in enumerate(lines) if line.startswith("^ use case's"))
    assert lines[marked - 1].startswith("BM25 only") and lines[marked - 1].count("1.000") == 6
    assert lines[marked].count("1.00-1.00") == 6
    assert "…" not in printed.get()
    below = [line for line in lines if line.rstrip().endswith(")")]
    assert len(below) == len(measured) - 1 + 1  # the title's, too


def test_rows_are_whole_and_json(measured: list[Measured], use_case: UseCase) -> None:
    rows = json.loads(json.dumps(as_rows(measured, use_case)))
    assert [row["chosen"] for row in rows].count(True) == 1
    chosen = next(row for row in rows if row["chosen"])
    assert chosen["recall_at_5"] == {"mean": 1.0, "low": 1.0, "high": 1.0, "clusters": 4}
    assert chosen["ndcg_at_10_minus_chosen"] == {"mean": 0.0, "low": 0.0, "high": 0.0, "clusters": 4}
    assert chosen["settings"]["fusion"] == "lexical"
