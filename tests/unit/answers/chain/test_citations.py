import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.chain.citations import check_citations, parts


@pytest.mark.parametrize(
    ("text", "expected", "numbers", "removed"),
    [
        ("Use with [1].", "Use with [1].", (1,), 0),
        ("Use with [ 2 ][1] and so on.", "Use with [2][1] and so on.", (2, 1), 0),
        ("Both [1, 3] say so [3].", "Both [1][3] say so [3].", (1, 3), 0),
        ("All of them [1-3].", "All of them [1][2][3].", (1, 2, 3), 0),
        ("It is so [9].", "It is so.", (), 1),
        ("It is so [0], [2;9] they say.", "It is so, [2] they say.", (2,), 2),
        ("It is so [3-5].", "It is so [3].", (3,), 2),
        ("A range nobody means [1-999999].", "A range nobody means [1].", (1,), 1),
        (f"It is so [1] [{'9' * 5000}].", f"It is so [1] [{'9' * 5000}].", (1,), 0),
        ("`xs[1]` and xs[2] are items [1].", "`xs[1]` and xs[2] are items [1].", (1,), 0),
        ("```\na = [1]\n```\nso [7]", "```\na = [1]\n```\nso ", (), 1),
        ("[1](http://example.com) is a link", "[1](http://example.com) is a link", (), 0),
        ("a list [x, y] stays", "a list [x, y] stays", (), 0),
        ("It is so. [1] And so. [2][3]", "It is so [1]. And so [2][3].", (1, 2, 3), 0),
        ("Call `f()`. [1] (And so.) [2] Yes... [3]", "Call `f()` [1]. (And so.) [2] Yes... [3]", (1, 2, 3), 0),
        ("", "", (), 0),
    ],
)
def test_citations(text: str, expected: str, numbers: tuple[int, ...], removed: int) -> None:
    cited = check_citations(text, passages=3)
    assert (cited.text, cited.numbers, cited.removed) == (expected, numbers, removed)


def test_citations_count_as_often_as_they_are_written() -> None:
    cited = check_citations("So [1][1] and [1, 2]. And [9] `xs[1]`.", passages=3)
    assert (cited.numbers, cited.valid, cited.removed) == ((1, 2), 4, 1)


@given(st.text(alphabet="ab .,;-–[]0123456789\n`", max_size=80), st.integers(0, 4))
def test_what_is_left_cites_only_what_was_given(text: str, passages: int) -> None:
    cited = check_citations(text, passages)
    assert all(1 <= number <= passages for number in cited.numbers)
    again = check_citations(cited.text, passages)
    assert again.removed == 0
    assert set(again.numbers) == set(cited.numbers)


@given(st.text(alphabet="ab .[]", max_size=40))
def test_a_text_without_numbers_has_none(text: str) -> None:
    assert check_citations(text, 5).numbers == ()
    assert re.sub(r"\s", "", check_citations(text, 5).text) == re.sub(r"\s", "", text)


def test_parts_for_whoever_shows_an_answer() -> None:
    text = "Use `xs[1]` so [1][2]:\n```python\na = [1]\n```"
    assert list(parts(text)) == [
        ("text", "Use "),
        ("code", "xs[1]"),
        ("text", " so "),
        ("citation", "1"),
        ("citation", "2"),
        ("text", ":\n"),
        ("code", "a = [1]\n"),
    ]


@given(st.text(alphabet="ab .,;-–[]0123456789\n`", max_size=80), st.integers(0, 4))
def test_the_citations_among_the_parts_are_those_that_were_kept(text: str, passages: int) -> None:
    cited = check_citations(text, passages)
    assert {int(part) for kind, part in parts(cited.text) if kind == "citation"} == set(cited.numbers)


@given(st.text(alphabet="ab .[]1\n", max_size=40))
def test_parts_lose_nothing(text: str) -> None:
    result = "".join(f"[{part}]" if kind == "citation" else part for kind, part in parts(check_citations(text, 1).text))
    assert result == check_citations(text, 1).text
