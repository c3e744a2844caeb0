import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.retrieval.validate import MAX_QUESTION_CHARACTERS, checked
from ragops.errors import UserError


def test_a_question_is_trimmed() -> None:
    assert checked("  why? \n") == "why?"
    assert checked("two\n\tlines: Größe, 東京, 🙂?") == "two\n\tlines: Größe, 東京, 🙂?"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("", "it is empty"),
        (" \n\t ", "it is empty"),
        ("x" * 1_048_576, r"1,048,576 characters, at most 4,000; shorten it"),
        (" " * 1_048_576, r"1,048,576 characters"),
        ("what\x00now", r"control characters \(U\+0000\)"),
        ("\x1b[31mred", r"control characters \(U\+001B\)"),
        (b"caf\xe9 \xff\xfe".decode("utf-8", "surrogateescape"), "no UTF-8"),
        ("half \ud83d a pair", "no UTF-8"),
        (bytes(range(256)).decode("latin-1"), "control characters"),
    ],
)
def test_what_is_no_question_is_one_line(question: str, said: str) -> None:
    with pytest.raises(UserError, match=f"^question: .*{said}") as raised:
        checked(question)
    line = str(raised.value)
    assert line.isprintable()
    assert len(line) < 200


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Z"]), min_size=1, max_size=MAX_QUESTION_CHARACTERS))
def test_text_passes(question: str) -> None:
    if question.strip():
        assert checked(question) == question.strip()
