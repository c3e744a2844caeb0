"""Coverage of a question's quotes by a context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.quality.evaluation.coverage import covered_share, is_covered
from ragops.quality.questions import Question

QUOTE = "one two three four five six seven eight nine ten"
ABOUT = {"question_id": "q", "question": "?", "kind": "k", "topic": "t", "anchor": "five six seven", "answer": "a"}
texts = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("context", "share"),
    [
        (f"Before. {QUOTE} After.", 1.0),
        ("**One** two\n> three four\n\nfive SIX seven, eight: nine ten", 1.0),
        ("seven eight nine ten and then one two three four five six", 1.0),
        ("one two three four five", 0.5),
        ("one three five seven nine two four six eight ten", 0.0),
        ("", 0.0),
    ],
)
def test_words_count_where_three_follow_each_other(context: str, share: float) -> None:
    assert covered_share([QUOTE], context) == share


def test_quotes_count_by_their_words() -> None:
    assert covered_share(["one two three four five six", "seven eight"], "one two three four five six") == 0.75
    assert covered_share(["yes"], "yes it is") == 1.0
    assert covered_share(["?!"], "?!") == 0.0
    assert covered_share([], QUOTE) == 0.0


@given(texts, texts, texts)
def test_more_context_never_covers_less(quote: str, context: str, more: str) -> None:
    before = covered_share([quote], context)
    assert 0 <= before <= covered_share([quote], f"{context} {more}") <= 1
    assert covered_share([quote], f"{more} {quote} {context}") == bool(quote)


def test_a_question_is_covered_from_four_fifths_of_its_quotes() -> None:
    question = Question(**ABOUT, quotes=(QUOTE,))
    assert is_covered(question, "one two three four five six seven eight")
    assert not is_covered(question, "one two three four five six seven")


def test_without_quotes_the_anchor_must_be_there() -> None:
    assert is_covered(Question(**ABOUT), "four five six seven eight")
    assert not is_covered(Question(**ABOUT), "four five six eight")
