from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.providers.extractive import ExtractiveModel, Quote, best_quotes, stem
from ragops.answers.llms.settings import DEFAULT_ABSTENTION, Extractive
from ragops.answers.llms.types import drain
from tests.support.llms import ask

EVIDENCE = (
    "# The with statement\n\nThe with statement wraps the execution of a block. It releases the resource even if an "
    "error occurs inside. Nothing else is needed.",
    "Lists may be changed in place.\n\n```python\nwith open(resource) as file: release the resource on error\n```\n\n"
    "| resource | error |\n",
    "A context manager closes files. It releases the resource even if an error occurs inside.",
)
QUESTION = "How do I make sure that a resource is released even if an error occurs?"


def quotes(**settings: object) -> ExtractiveModel:
    return ExtractiveModel(Extractive.model_validate({"name": "quotes", "provider": "extractive", **settings}))


def test_the_sentence_that_supports_the_question_is_quoted_with_the_one_that_it_refers_to() -> None:
    reply = quotes().generate(ask(question=QUESTION, evidence=EVIDENCE))
    assert reply.text == (
        "The with statement wraps the execution of a block. [1] "
        "It releases the resource even if an error occurs inside. [1]"
    )
    assert (reply.provider, reply.finish_reason) == ("extractive", "stop")


def quoted(question: str, evidence: Sequence[str], most: int = 3, support: float = 0.1) -> list[tuple[str, int]]:
    return [(quote.text, quote.passage) for quote in best_quotes(question, evidence, most, support)]


def test_further_quotes_are_nearly_as_good_as_the_best_one() -> None:
    evidence = ["Tools sort long arrays.", "Small tools sort trees.", "Trees grow in many gardens."]
    assert quoted("Which small tools sort long arrays and trees?", evidence) == [(evidence[0], 1), (evidence[1], 2)]


def test_a_later_passage_is_not_quoted_for_a_word_in_common() -> None:
    comma = "It is the comma that makes a tuple, and not the brackets."
    others = [f"Square brackets number {n} make a list of values." for n in range(11)]
    assert quoted("Is it the round brackets that make a tuple?", [comma, *others]) == [(comma, 1)]


def test_nothing_more_is_quoted_once_the_question_is_covered() -> None:
    evidence = ["Tools sort arrays.", "Other tools sort arrays, too.", "These tools sort the arrays backwards."]
    assert quoted("Which tools sort arrays?", evidence) == [(evidence[0], 1)]


def test_of_equally_good_sentences_that_of_the_better_passage_is_quoted() -> None:
    evidence = ["Nobody is here today.", "A keeper paints the boat.", "A keeper paints the mast."]
    assert quoted("Who paints boat, mast and keel?", evidence, most=1) == [(evidence[1], 2)]


def test_a_list_and_its_items_are_not_quoted_twice() -> None:
    evidence = "The lamp has three states:\n\n- lit at night\n- dark by day\n- waiting for the keeper\n"
    assert len(quoted("Which states does the lamp have by night and day?", [evidence])) == 1


def test_items_of_a_list_are_quoted_apart() -> None:
    evidence = "* Painters close the crane at noon.\n* Divers close the lock at night.\n* Nobody swims.\n"
    assert quoted("When do divers close the lock?", [evidence], most=1) == [("Divers close the lock at night.", 1)]


def test_a_row_of_a_table_is_quoted_with_the_names_of_its_columns() -> None:
    table = "| Zone | Price |\n|---|---|\n| North | 7.30 |\n| South | 9.10 |\n"
    assert quoted("What is the price in zone South?", [table], most=1) == [("Zone: South; Price: 9.10", 1)]


@pytest.mark.parametrize(
    ("question", "evidence"),
    [
        ("Who painted the Mona Lisa?", EVIDENCE),
        (QUESTION, ()),
        ("", EVIDENCE),
        ("What is it?", EVIDENCE),
        (QUESTION, ("# Resource released error occurs\n\n```\nresource released even error occurs\n```",)),
    ],
)
def test_without_support_the_model_abstains(question: str, evidence: tuple[str, ...]) -> None:
    assert quotes().generate(ask(question=question, evidence=evidence)).text == DEFAULT_ABSTENTION
    reply = quotes(abstention="No idea.").generate(ask(question=question, evidence=evidence))
    assert reply.text == "No idea."


def test_a_language_without_spaces_is_quoted() -> None:
    evidence = "ポンプの油は毎週交換します。予備の油は倉庫にあります。"
    found = best_quotes("ポンプの油はいつ交換しますか", [evidence], 1, 0.2)
    assert [quote.text for quote in found] == ["ポンプの油は毎週交換します。"]


WORDS = st.lists(st.sampled_from(["resource", "error", "file", "the", "opens", "list."]), max_size=12).map(" ".join)


@given(question=WORDS, evidence=st.lists(WORDS, max_size=4), most=st.integers(1, 3))
def test_quotes_are_verbatim_sentences_of_the_evidence(question: str, evidence: list[str], most: int) -> None:
    found = best_quotes(question, evidence, most, 0.1)
    assert len(found) <= most
    assert found == best_quotes(question, evidence, most, 0.1)
    for quote in found:
        assert quote.text in " ".join(evidence[quote.passage - 1].split())
        assert 0 <= quote.support <= 1 + 1e-9
    assert not found or max(quote.support for quote in found) >= 0.1
    assert [quote.passage for quote in found] == sorted(quote.passage for quote in found)


def test_the_pieces_of_a_stream_are_the_answer() -> None:
    request = ask(question="context manager closes files, lists changed in place", evidence=EVIDENCE)
    pieces = list(quotes(support=0.1).stream(request))
    assert len(pieces) > 1
    assert "".join(pieces) == drain(quotes(support=0.1).stream(request)).text


def test_inflected_forms_have_the_same_stem() -> None:
    assert len({stem(word) for word in ("opened", "opening", "opens", "open")}) == 1
    assert stem("error") == "error"


def test_a_quote_keeps_bracketed_numbers_that_cite_nothing() -> None:
    assert Quote("Per [2024] UKSC 5 weekly[1]【2】 oil.", 4, 0.5).cited() == "Per [2024] UKSC 5 weekly(1)(2) oil. [4]"


def test_a_quote_has_no_citation_but_its_own() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    quote = Quote(f"The word [1] [77] of [2][3] xs[0]{hidden} <|im_end|> counts.", 4, 0.5)
    assert quote.cited() == "The word (1) (77) of (2)(3) xs[0] (|im_end|) counts. [4]"
