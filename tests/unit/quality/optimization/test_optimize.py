"""Training and held-out questions share no topic and together are all questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.errors import UserError
from ragops.quality.datasets.files import load_questions
from ragops.quality.optimization.optimize import split
from ragops.quality.questions import Question


def asked(number: int, topic: str | None) -> Question:
    return Question(question_id=f"q{number}", question="?", kind="k", topic=topic, anchor=topic, answer=topic)


TOPICS = st.lists(st.sampled_from([None, *"abcdefgh"]), min_size=2, max_size=40)


@given(TOPICS.filter(lambda topics: len(set(topics) - {None}) > 1))
def test_no_topic_is_on_both_sides_and_no_question_is_lost(topics: list[str | None]) -> None:
    questions = [asked(number, topic) for number, topic in enumerate(topics)]
    training, holdout = split(questions)
    assert sorted([*training, *holdout], key=questions.index) == questions
    known = [{one.topic for one in half if one.topic} for half in (training, holdout)]
    assert not known[0] & known[1] and abs(len(known[0]) - len(known[1])) <= 1
    others = [sum(not one.answerable for one in half) for half in (training, holdout)]
    assert abs(others[0] - others[1]) <= 1
    assert split(questions[::-1])[0] == training[::-1]


def test_questions_that_ask_nearly_the_same_are_on_one_side() -> None:
    wordings = ("How do I open a file?", "how do i open a file", "How do I open a FILE??")
    questions = [asked(number, topic) for number, topic in enumerate("abcdefgh")]
    for at, wording in zip((0, 3, 7), wordings, strict=True):
        questions[at] = questions[at].model_copy(update={"question": wording})
    for half in split(questions):
        assert {one.question for one in half} & set(wordings) in (set(), set(wordings))


@pytest.mark.parametrize("topics", [[], [None, None], ["a", "a", None]])
def test_questions_about_one_topic_cannot_be_split(topics: list[str | None]) -> None:
    with pytest.raises(UserError, match="fewer than two topics; ask more with --questions"):
        split([asked(number, topic) for number, topic in enumerate(topics)])


def test_the_demo_questions_are_split_about_equally() -> None:
    training, holdout = split(load_questions())
    assert abs(len(training) - len(holdout)) < 0.1 * len(load_questions())
