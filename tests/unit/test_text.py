"""One-line messages, closest names, words, digests and numbers in JSON."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from ragops.text import closest, digest, json_number, one_line, reason, words


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


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_words_are_the_same_with_and_without_other_scripts_beside_them(text: str) -> None:
    assert words(f"{text} ж") == [*words(text), "ж"]


def test_words_are_letters_and_digits() -> None:
    assert words("`__init__`, Größe-42!") == ["init", "grösse", "42"]
    assert words("यह हिन्दी है; น้ำมัน") == ["यह", "हिन्दी", "है", "น้ำมัน"]


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1, 2]) != digest([2, 1])


@given(st.floats() | st.integers() | st.none() | st.text())
def test_a_number_that_json_has_no_form_for_is_null(value: object) -> None:
    found = json_number(value)
    json.dumps(found, allow_nan=False)
    assert found is None if isinstance(value, float) and not math.isfinite(value) else found is value
