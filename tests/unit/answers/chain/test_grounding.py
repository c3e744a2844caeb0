import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.chain.citations import check_citations
from ragops.answers.chain.grounding import attribute, quote
from ragops.answers.llms.settings import Extractive

QUOTES = Extractive(name="quotes", provider="extractive", sentences=2, support=0.25)
PASSAGES = [
    "The ferry leaves for the lighthouse island at twenty to eight on weekdays.",
    "Painters close the crane until Friday. The crane stands beside the harbour.",
]


@pytest.mark.parametrize(
    ("text", "expected", "numbers", "attributed"),
    [
        ("The ferry leaves at twenty to eight.", "The ferry leaves at twenty to eight [1].", (1,), 1),
        ("Painters close the crane! Bananas are yellow.", "Painters close the crane [2]! Bananas are yellow.", (2,), 1),
        ("The ferry leaves at eight [2].", "The ferry leaves at eight [2].", (2,), 0),
        ("Bananas are yellow and bent.", "Bananas are yellow and bent.", (), 0),
        ("Ferry.", "Ferry.", (), 0),
        ("(Painters close the crane.) [2] Bananas.", "(Painters close the crane.) [2] Bananas.", (2,), 0),
        ("```\nThe ferry leaves on weekdays.\n```", "```\nThe ferry leaves on weekdays.\n```", (), 0),
        ("", "", (), 0),
    ],
)
def test_sentences_that_repeat_a_passage_get_its_number(
    text: str, expected: str, numbers: tuple[int, ...], attributed: int
) -> None:
    grounded = attribute(text, PASSAGES, share=0.7)
    assert (grounded.text, grounded.numbers, grounded.attributed) == (expected, numbers, attributed)


@given(st.text(alphabet="ferry crane.! [1]\n", max_size=120))
def test_only_citations_are_added(text: str) -> None:
    checked = check_citations(text, 2).text
    grounded = attribute(checked, PASSAGES, share=0.7)
    assert check_citations(grounded.text, 2).removed == 0

    def bare(words: str) -> str:
        return "".join(character for character in words if character not in " []12")

    assert bare(grounded.text) == bare(checked)


def test_quotes_have_their_citations() -> None:
    quoted = quote("When does the ferry leave for the island?", PASSAGES, QUOTES)
    assert quoted.text == f"{PASSAGES[0][:-1]} [1]."
    assert quoted.numbers == (1,)
    assert quote("How are bananas peeled in space?", PASSAGES, QUOTES).text == ""
