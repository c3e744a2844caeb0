"""One-line messages, closest names, words and digests."""

from hypothesis import given
from hypothesis import strategies as st

from ragops.text import closest, digest, one_line, reason, words


@given(st.text())
def test_one_line_has_no_line_break_and_keeps_every_word(text: str) -> None:
    line = one_line(text)
    assert line.split() == text.split()
    assert line.splitlines() in ([], [line])


def test_a_reason_is_cut_and_never_empty() -> None:
    assert reason(ValueError()) == "ValueError"
    assert reason(ValueError("refused.\n Really. Config: host=https://x, token=***")) == "refused. Really"
    assert len(reason(ValueError("word " * 200))) == 300


def test_the_closest_name_is_proposed_and_no_distant_one() -> None:
    assert closest("brief", ["briev", "cite"]) == "briev"
    assert closest("brief", ["zebra"]) == ""


def test_words_are_letters_and_digits() -> None:
    assert words("`__init__`, Größe-42!") == ["init", "grösse", "42"]


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1, 2]) != digest([2, 1])
