import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.chain.citations import attribute, check_citations, parts, quote
from ragops.answers.llms.settings import Extractive

QUOTES = Extractive(name="quotes", provider="extractive", sentences=2, support=0.25)
PASSAGES = [
    "The ferry leaves for the lighthouse island at twenty to eight on weekdays.",
    "Painters close the crane until Friday. The crane stands beside the harbour.",
]


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
        # Directly after a word, in any script.
        ("Oil weekly[1]. Water[9].", "Oil weekly[1]. Water.", (1,), 1),
        ("毎週[1]。水は差します[9]。", "毎週[1]。水は差します。", (1,), 1),
        ("كل أسبوع[1]، ثم[2].", "كل أسبوع[1]، ثم[2].", (1, 2), 0),
        ("See `f()`[1] and (model B)[2].", "See `f()`[1] and (model B)[2].", (1, 2), 0),
        # In any form of brackets, digits and lists.
        ("每周加油【1】【9】。", "每周加油[1]。", (1,), 1),
        ("毎週［１］、〔2〕と〖３〗。", "毎週[1]、[2]と[3]。", (1, 2, 3), 0),
        ("أسبوع [١، ٢].", "أسبوع [1][2].", (1, 2), 0),
        ("हर हफ्ते [१]।", "हर हफ्ते [1]।", (1,), 0),
        ("So 【1†L5-L9】 and 【2†source】.", "So [1] and [2].", (1, 2), 0),
        ("So [[1]] and [[2, 9]].", "So [1] and [2].", (1, 2), 1),
        ("So [1–2], [1~3], [2—3] and [1 and 3].", "So [1][2], [1][2][3], [2][3] and [1][3].", (1, 2, 3), 0),
        # Years, clauses and other numbers in brackets.
        ("Per [2024] UKSC 5 the fee is due [1].", "Per [2024] UKSC 5 the fee is due [1].", (1,), 0),
        ("So it was. [2019] EWCA 3 [1].", "So it was. [2019] EWCA 3 [1].", (1,), 0),
        ("Between [2019-2021] and [2020, 2022][2].", "Between [2019-2021] and [2020, 2022][2].", (2,), 0),
        ("Due on [12-2024], [2024-03] and [1-2020].", "Due on [12-2024], [2024-03] and [1-2020].", (), 0),
        ("Under clause [12] it is due [1].", "Under clause [12] it is due [1].", (1,), 0),
        ("Under clause [2] it is due, at [45].", "Under clause [2] it is due, at [45].", (), 0),
        ("Subclause [14], para [15], Absatz [16], 第[17]条", "Subclause [14], para [15], Absatz [16], 第[17]条", (), 0),
        (
            "According to article [2] and as clause [3] says, it follows from the clause [1].",
            "According to article [2] and as clause [3] says, it follows from the clause [1].",
            (2, 1),
            0,
        ),
        ("See [§ 4], [12.3], [1a], [3(b)], [^1], [x1].", "See [§ 4], [12.3], [1a], [3(b)], [^1], [x1].", (), 0),
        ("The interval [0, 1] is closed [1].", "The interval [0, 1] is closed [1].", (1,), 0),
        # Code without backticks, links and LaTeX.
        ("argv[0], my_list[1] and f()[2] [1]", "argv[0], my_list[1] and f()[2] [1]", (1,), 0),
        ("argv[1].strip() and row[2] = 5", "argv[1].strip() and row[2] = 5", (), 0),
        ('[text][1] and [2](a.html "A") and \\[1\\]', '[text][1] and [2](a.html "A") and \\[1\\]', (), 0),
        ("Weekly[1](on Mondays, as a rule).", "Weekly[1](on Mondays, as a rule).", (1,), 0),
        ("It is [9] so. [9] And so\n[9] Or so", "It is so. And so\nOr so", (), 3),
    ],
)
def test_citations_of_other_passages_are_removed(
    text: str, expected: str, numbers: tuple[int, ...], removed: int
) -> None:
    cited = check_citations(text, passages=3)
    assert (cited.text, cited.numbers, cited.removed) == (expected, numbers, removed)


def test_repeated_citations_are_counted_each_time() -> None:
    cited = check_citations("So [1][1] and [1, 2]. And [9] `xs[1]`.", passages=3)
    assert (cited.numbers, cited.valid, cited.removed) == ((1, 2), 4, 1)


@given(st.text(alphabet="ab .,;-–[]()_0123456789\n`【】毎", max_size=80), st.integers(0, 4))
def test_a_checked_text_cites_given_passages_only(text: str, passages: int) -> None:
    cited = check_citations(text, passages)
    assert all(1 <= number <= passages for number in cited.numbers)
    again = check_citations(cited.text, passages)
    assert again.removed == 0
    assert set(again.numbers) == set(cited.numbers)


@given(st.text(alphabet="ab .[]", max_size=40))
def test_a_text_without_numbers_has_no_citations(text: str) -> None:
    assert check_citations(text, 5).numbers == ()
    assert re.sub(r"\s", "", check_citations(text, 5).text) == re.sub(r"\s", "", text)


def test_an_answer_is_split_into_text_code_and_citations() -> None:
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
def test_the_citations_among_the_parts_are_those_kept_by_the_check(text: str, passages: int) -> None:
    cited = check_citations(text, passages)
    assert {int(part) for kind, part in parts(cited.text, passages) if kind == "citation"} == set(cited.numbers)


@given(st.text(alphabet="ab .[]1\n", max_size=40))
def test_the_parts_make_up_the_whole_text(text: str) -> None:
    result = "".join(
        f"[{part}]" if kind == "citation" else part for kind, part in parts(check_citations(text, 1).text, 1)
    )
    assert result == check_citations(text, 1).text


@pytest.mark.parametrize(
    ("text", "expected", "numbers", "attributed"),
    [
        ("The ferry leaves at twenty to eight.", "The ferry leaves at twenty to eight [1].", (1,), 1),
        ("Painters close the crane! Bananas are yellow.", "Painters close the crane [2]! Bananas are yellow.", (2,), 1),
        ("The ferry leaves at eight [2].", "The ferry leaves at eight [2].", (2,), 0),
        ("Bananas are yellow and bent.", "Bananas are yellow and bent.", (), 0),
        ("Ferry.", "Ferry.", (), 0),
        (
            "Painters close the crane. [2024] was long.",
            "Painters close the crane [2]. [2024] was long.",
            (2,),
            1,
        ),
        ("(Painters close the crane.) [2] Bananas.", "(Painters close the crane.) [2] Bananas.", (2,), 0),
        ("```\nThe ferry leaves on weekdays.\n```", "```\nThe ferry leaves on weekdays.\n```", (), 0),
        ("", "", (), 0),
    ],
)
def test_sentences_that_repeat_a_passage_get_its_citation(
    text: str, expected: str, numbers: tuple[int, ...], attributed: int
) -> None:
    grounded = attribute(text, PASSAGES, share=0.7)
    assert (grounded.text, grounded.numbers, grounded.attributed) == (expected, numbers, attributed)


@given(st.text(alphabet="ferry crane.! [1]\n", max_size=120))
def test_attribution_adds_nothing_but_citations(text: str) -> None:
    checked = check_citations(text, 2).text
    grounded = attribute(checked, PASSAGES, share=0.7)
    assert check_citations(grounded.text, 2).removed == 0

    def bare(words: str) -> str:
        return "".join(character for character in words if character not in " []12")

    assert bare(grounded.text) == bare(checked)


def test_numbers_that_cite_nothing_are_text_for_display() -> None:
    text = "Per [2024] UKSC 5 at [45] so [1]."
    assert list(parts(text, 2)) == [("text", "Per [2024] UKSC 5 at [45] so "), ("citation", "1"), ("text", ".")]


def test_quotes_carry_their_citations() -> None:
    quoted = quote("When does the ferry leave for the island?", PASSAGES, QUOTES)
    assert quoted.text == f"{PASSAGES[0][:-1]} [1]."
    assert quoted.numbers == (1,)
    assert quote("How are bananas peeled in space?", PASSAGES, QUOTES).text == ""
