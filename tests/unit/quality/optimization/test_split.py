"""What is learnt from and what is held back share no topic, and together are everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.errors import UserError
from ragops.quality.optimization.split import halves
from ragops.quality.questions import Question, load_questions


def asked(number: int, topic: str | None) -> Question:
    return Question(question_id=f"q{number}", question="?", kind="k", topic=topic, anchor=topic, answer=topic)


TOPICS = st.lists(st.sampled_from([None, *"abcdefgh"]), min_size=2, max_size=40)


@given(TOPICS.filter(lambda topics: len(set(topics) - {None}) > 1))
def test_no_topic_is_on_both_sides_and_no_question_is_lost(topics: list[str | None]) -> None:
    questions = [asked(number, topic) for number, topic in enumerate(topics)]
    learnt, held_back = halves(questions)
    assert sorted([*learnt, *held_back], key=questions.index) == questions
    known = [{one.topic for one in half if one.topic} for half in (learnt, held_back)]
    assert not known[0] & known[1] and abs(len(known[0]) - len(known[1])) <= 1
    others = [sum(not one.answerable for one in half) for half in (learnt, held_back)]
    assert abs(others[0] - others[1]) <= 1
    assert halves(questions[::-1])[0] == learnt[::-1]


@pytest.mark.parametrize("topics", [[], [None, None], ["a", "a", None]])
def test_one_topic_cannot_be_divided(topics: list[str | None]) -> None:
    with pytest.raises(UserError, match="fewer than two topics; ask more with --questions"):
        halves([asked(number, topic) for number, topic in enumerate(topics)])


def test_the_samples_halves_are_about_equal() -> None:
    learnt, held_back = halves(load_questions())
    assert abs(len(learnt) - len(held_back)) < 0.1 * len(load_questions())
