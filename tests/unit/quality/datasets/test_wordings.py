"""Wordings that are nearly the same, and groups of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.quality.datasets.wordings import Wording, Wordings, groups

texts = st.text(st.sampled_from("abc é語 ?."), max_size=12)


@pytest.mark.parametrize(
    ("first", "second", "near"),
    [
        ("What objects are considered false?", "Which objects are considered false?", True),
        ("What is a tuple?", "What's a tuple", True),
        ("How do I open a file for reading?", "How do I open a file for writing?", False),
        ("What is new in 3.11?", "What is new in 3.12?", False),
        ("ファイルを開くにはどうすればよいですか", "ファイルを開くにはどうすればよいですか?", True),
        ("", "", False),
    ],
)
def test_nearly_the_same(first: str, second: str, near: bool) -> None:
    assert Wording.of(first).is_near(Wording.of(second)) is near


@given(texts, texts)
def test_both_directions_agree_and_case_and_white_space_do_not_matter(first: str, second: str) -> None:
    one, other = Wording.of(first), Wording.of(second)
    assert one.is_near(other) is other.is_near(one)
    assert Wording.of(f"  {first.upper()}?! ").is_near(one) is bool(one.runs)


def test_the_first_near_question_is_named() -> None:
    known = Wordings([("a", "What is a tuple?"), ("b", "What is a list?")])
    assert known.near("what is a list") == ("b", "What is a list?")
    assert known.near("Who are you?") is None
    known.add("c", "Who are you")
    assert known.near("who are you?") == ("c", "Who are you")


@given(st.lists(st.tuples(st.sampled_from("pqrst"), texts), max_size=8))
def test_near_questions_are_in_one_group_and_every_name_is_in_one(asked: list[tuple[str, str]]) -> None:
    found = groups(asked)
    assert set(found) == {name for name, _ in asked}
    for first, one in asked:
        for second, other in asked:
            if Wording.of(one).is_near(Wording.of(other)):
                assert found[first] == found[second]
