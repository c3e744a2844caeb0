"""A topic's text becomes blocks: nothing is lost, and indentation is understood."""

import re
from pydoc_data.topics import topics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.demo.help_topics import Block, Kind, Style, parse, spans


def test_the_underline_of_a_title_gives_its_level() -> None:
    text = "Top\n***\n****\n\nPart\n====\n\nSmaller\n-------\n\nLeast\n~~~~~\n"
    headings = [(block.text, block.level) for block in parse(text) if block.kind is Kind.HEADING]
    assert headings == [("Part", 2), ("Smaller", 3), ("Least", 4)]


def test_indented_text_is_a_body_after_a_signature_and_code_after_a_colon() -> None:
    text = "str.upper()\n\n   Return a copy in\n   capitals.\n\nFor example:\n\n   x = 1\n   y = 2\n"
    assert parse(text) == [
        Block(Kind.TERM, "str.upper()"),
        Block(Kind.PARAGRAPH, "Return a copy in capitals."),
        Block(Kind.PARAGRAPH, "For example:"),
        Block(Kind.CODE, "x = 1\ny = 2"),
    ]


def test_items_nest_and_keep_their_paragraphs() -> None:
    text = "* one is built-\n  in\n\n  More of one.\n\n  * inner\n\n2. two\n"
    assert parse(text) == [
        Block(Kind.ITEM, "one is built-in", 1, "*"),
        Block(Kind.PARAGRAPH, "More of one.", 1),
        Block(Kind.ITEM, "inner", 2, "*"),
        Block(Kind.ITEM, "two", 1, "2."),
    ]


def test_a_table_is_cut_at_its_border_even_if_a_cell_contains_a_bar() -> None:
    text = '+-----+-----+\n| a   | b   |\n|=====|=====|\n| "|" | or  |\n|     | so  |\n+-----+-----+\n'
    (table,) = parse(text)
    assert table.rows == (("a", "b"), ('"|"', "or so"))


@pytest.mark.parametrize("topic", sorted(topics))
def test_no_word_of_a_topic_is_lost(topic: str) -> None:
    blocks = parse(topics[topic])
    kept = [" ".join((block.marker, block.text, *sum(block.rows, ()))) for block in blocks]
    assert _words(topics[topic]) <= _words(" ".join(kept))


@given(st.text(alphabet='ab "*`_', max_size=40))
def test_spans_lose_only_markup(text: str) -> None:
    parts = list(spans(text))
    assert all(span for _, span in parts)
    assert _unmarked("".join(span for _, span in parts)) == _unmarked(text)


def test_spans_distinguish_code_and_emphasis() -> None:
    assert list(spans('a "*b" of *c* and **d**')) == [
        (Style.PLAIN, "a "),
        (Style.CODE, "*b"),
        (Style.PLAIN, " of "),
        (Style.EMPHASIS, "c"),
        (Style.PLAIN, " and "),
        (Style.STRONG, "d"),
    ]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text))


def _unmarked(text: str) -> str:
    return text.replace('"', "").replace("*", "")
