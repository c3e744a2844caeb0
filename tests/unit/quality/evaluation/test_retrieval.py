"""Retrieval on a small generation whose answers are known: figures, ranks and the settings that are compared."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.answers.retrieval.settings import Rerank, RerankModel, RetrievalSettings
from ragops.assembly import Locations
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.quality.evaluation.retrieval import (
    COVERAGE,
    MEASURES,
    Evaluator,
    SettingsResult,
    answer_rank,
    measure,
    open_evaluator,
    settings_grid,
    settings_label,
)
from ragops.quality.questions import Question
from ragops.usecase import MEASURES as CATALOGUE
from tests.support.evaluations import USE_CASE, result_of

ROWS = 12
QUESTION = Question(question_id="q", question="?", kind="k", topic="assert", anchor="no code for an", answer="a")
RERANK = Rerank(model=RerankModel(name="m", source="hub:a/b"))
SETTINGS = st.builds(
    RetrievalSettings,
    fusion=st.sampled_from(["dense", "lexical", "reciprocal_rank", "weighted"]),
    dense_weight=st.sampled_from([0.5, 0.65, 0.7]),
    rerank=st.none() | st.just(RERANK),
    mmr=st.none() | st.just(0.4),
    duplicates=st.none() | st.just(0.8),
    neighbours=st.integers(0, 2),
)


def test_a_result_has_the_figures_of_its_searches(results: list[SettingsResult]) -> None:
    dense, lexical = result_of(results, fusion="dense"), result_of(results, fusion="lexical")
    assert lexical.interval("recall_at_1").mean == 1.0
    assert dense.values["recall_at_1"].tolist() == [number % 2 == 0 for number in range(ROWS)]
    assert dense.values["recall_at_1"][2] == 1, "a restricted passage counts: the search is measured, not a reader's"
    gap = dense.difference(lexical, "recall_at_1")
    assert gap.mean == -0.5
    assert gap.low < gap.mean < gap.high < 0
    assert dense.clusters == tuple(f"t{number // 3}" for number in range(ROWS))


def test_the_context_follows_the_settings_k_and_budget(evaluator: Evaluator) -> None:
    one = RetrievalSettings(fusion="dense", k=1, duplicates=None)
    few, many = evaluator.evaluate([one, one.model_copy(update={"k": 10})])
    assert few.values[COVERAGE].tolist() == few.values["recall_at_1"].tolist()
    assert many.values[COVERAGE].tolist() == many.values["recall_at_10"].tolist()
    assert few.values["recall_at_10"].tolist() == many.values["recall_at_10"].tolist()
    assert few.tokens.tolist() == [3.0] * ROWS
    assert many.tokens.tolist() == [30.0] * ROWS
    assert (few.milliseconds > 0).all()


def test_the_rank_is_that_of_the_first_answering_text() -> None:
    texts = [(text, "a.md") for text in ("nothing", "emits *no code* for\nan assert", "no code for an")]
    assert answer_rank(QUESTION, texts) == 2
    assert answer_rank(QUESTION, texts[:1]) is None
    assert answer_rank(QUESTION, []) is None


@settings(deadline=None, max_examples=30)
@given(st.lists(st.none() | st.integers(1, 15), min_size=1, max_size=12))
def test_measures_agree_with_their_definitions(ranks: list[int | None]) -> None:
    found = measure(ranks)
    assert list(found) == list(MEASURES)
    within = [rank if rank and rank <= 10 else None for rank in ranks]
    for depth in (1, 5, 10):
        assert found[f"recall_at_{depth}"].tolist() == [bool(rank and rank <= depth) for rank in ranks]
    assert found["mrr"] == pytest.approx([1 / rank if rank else 0 for rank in within])
    assert found["ndcg_at_10"] == pytest.approx([1 / math.log2(rank + 1) if rank else 0 for rank in within])


def test_success_criteria_name_the_same_measures() -> None:
    assert {COVERAGE, *MEASURES} <= set(CATALOGUE)
    assert all(value.dtype == np.float64 for value in measure([1]).values())


@given(SETTINGS)
def test_the_grid_has_the_own_settings_and_others_each_once(own: RetrievalSettings) -> None:
    settings = settings_grid(own)
    assert own in settings
    assert len(settings) == len(set(settings))
    assert {one.fusion for one in settings} == {"dense", "lexical", "reciprocal_rank", "weighted"}
    assert any(one.rerank != own.rerank for one in settings) is (own.rerank is not None)


@given(SETTINGS)
def test_setting_labels_are_unique(own: RetrievalSettings) -> None:
    settings = settings_grid(own)
    labels = [settings_label(one, own) for one in settings]
    assert len(set(labels)) == len(labels)
    assert "," not in settings_label(own, own)


NOWHERE = Locations(Workspace("spark_catalog", "none"), Path("/nowhere/models"), Path("/nowhere/index"))


def test_questions_without_an_answer_cannot_be_evaluated() -> None:
    unknown = Question(question_id="x", question="?", kind="k", topic=None, anchor=None, answer=None)
    with (
        pytest.raises(UserError, match="none of the 1 questions says where"),
        open_evaluator(USE_CASE, NOWHERE, [unknown]),
    ):
        pass


def test_a_missing_package_is_reported_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with (
        pytest.raises(UserError, match=r"package ir_measures is not installed; install ragops\[evaluate\]"),
        open_evaluator(USE_CASE, NOWHERE, [QUESTION]),
    ):
        pass
