"""Which questions need the one before them, where no model rewrites questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.chain.follow_ups import refers_back


@pytest.mark.parametrize(
    "question",
    [
        "And on Sundays?",
        "But why is the order kept by a dict in that case?",
        "Does it keep the insertion order when a key is updated?",
        "What happens if its suite raises an exception?",
        "Can they be used as dict keys?",
        "Is that required for objects that compare equal?",
        "What about the others?",
        "Why?",
        "And?",
        "",
        "What if it fails?",
        "Uppercase letters too?",
        "Wie ist das bei der zweiten Datei?",
        "Et pour les fichiers binaires ?",
    ],
)
def test_what_leaves_something_to_the_conversation(question: str) -> None:
    assert refers_back(question)


@pytest.mark.parametrize(
    "question",
    [
        "When are default parameter values evaluated?",
        "Why is my list changed after I pass it to a function?",
        "What does the finally clause of a try statement do when no exception occurred?",
        "Which objects does Python consider false when they are tested for truth?",
        "How do I open a file that does not exist yet?",
        "I catch an exception group, but the others of it are lost. Why?",
    ],
)
def test_what_stands_alone(question: str) -> None:
    assert not refers_back(question)


@given(st.text(max_size=200))
def test_any_text_is_decided(text: str) -> None:
    assert refers_back(text) in (True, False)


@given(st.sampled_from(["And ", "But ", "So ", "Or "]), st.text(alphabet="abcde xyz", max_size=60))
def test_a_question_that_continues_another_never_stands_alone(begin: str, rest: str) -> None:
    assert refers_back(f"{begin}{rest}?")
