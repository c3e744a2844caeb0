import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.retrieval.validate import MAX_QUESTION_CHARACTERS, check_question
from ragops.errors import UserError


def test_surrounding_white_space_is_removed() -> None:
    assert check_question("  why? \n") == "why?"
    assert check_question("two\n\tlines: Größe, 東京, 🙂?") == "two\n\tlines: Größe, 東京, 🙂?"


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("", "it is empty"),
        (" \n\t ", "it is empty"),
        ("x" * 1_048_576, r"1,048,576 characters, at most 4,000; shorten it"),
        (" " * 1_048_576, r"1,048,576 characters"),
        ("what\x00now", r"control characters \(U\+0000\)"),
        ("\x1b[31mred", r"control characters \(U\+001B\)"),
        (b"caf\xe9 \xff\xfe".decode("utf-8", "surrogateescape"), "not valid UTF-8"),
        ("half \ud83d a pair", "not valid UTF-8"),
        (bytes(range(256)).decode("latin-1"), "control characters"),
    ],
)
def test_an_invalid_question_is_refused_in_one_short_line(question: str, reason: str) -> None:
    with pytest.raises(UserError, match=f"^question: .*{reason}") as raised:
        check_question(question)
    line = str(raised.value)
    assert line.isprintable()
    assert len(line) < 200


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Z"]), min_size=1, max_size=MAX_QUESTION_CHARACTERS))
def test_any_visible_text_is_accepted(question: str) -> None:
    if question.strip():
        assert check_question(question) == question.strip()
