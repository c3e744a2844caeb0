import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.quality.evaluation.ranking import MEASURES, answer_rank, measure
from ragops.quality.questions import Question
from ragops.usecase import Criterion

QUESTION = Question(question_id="q", question="?", kind="k", topic="assert", anchor="no code for an", answer="a")


def test_the_rank_is_of_the_first_text_that_answers() -> None:
    texts = ["nothing", "emits *no code* for\nan assert", "no code for an"]
    assert answer_rank(QUESTION, texts) == 2
    assert answer_rank(QUESTION, texts[:1]) is None
    assert answer_rank(QUESTION, []) is None


@settings(deadline=None, max_examples=30)
@given(st.lists(st.none() | st.integers(1, 15), min_size=1, max_size=12))
def test_measures_are_as_their_definitions_say(ranks: list[int | None]) -> None:
    found = measure(ranks)
    assert list(found) == list(MEASURES)
    within = [rank if rank and rank <= 10 else None for rank in ranks]
    for depth in (1, 5, 10):
        assert found[f"recall_at_{depth}"].tolist() == [bool(rank and rank <= depth) for rank in ranks]
    assert found["mrr"] == pytest.approx([1 / rank if rank else 0 for rank in within])
    assert found["ndcg_at_10"] == pytest.approx([1 / math.log2(rank + 1) if rank else 0 for rank in within])


def test_measures_are_those_that_criteria_name() -> None:
    named = Criterion.model_fields["measure"].annotation.__args__
    assert set(named) == set(MEASURES)
    assert all(value.dtype == np.float64 for value in measure([1]).values())
