"""What of a passage may be quoted, and what it looks like."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.providers.quotable import quotable

OPENING = "Lists may be made in two ways:"


def texts(passage: str) -> list[str]:
    return [one.text for one in quotable(passage)]


def test_sentences_are_quoted_in_reading_order() -> None:
    assert texts("The ferry leaves at eight.  It takes\nfour cars.\n\nNobody sells tickets on board.") == [
        "The ferry leaves at eight.",
        "It takes four cars.",
        "Nobody sells tickets on board.",
    ]


@pytest.mark.parametrize("mark", ["* ", "- ", "+ ", "1. ", "2) ", "• ", "a) ", "(b) "])
def test_items_of_a_list_are_quoted_one_by_one_without_their_marks(mark: str) -> None:
    items = ["Painters close the crane first.", "Nobody works alone at night.", "Keys stay with the keeper."]
    assert texts("\n".join(mark + item for item in items)) == items


def test_a_short_list_of_fragments_is_quoted_with_the_sentence_that_announces_it() -> None:
    whole = f"{OPENING} using brackets: []; with a comprehension"
    assert texts(f"{OPENING}\n\n* using brackets: [], or\n* with a comprehension.\n") != [whole]
    assert texts(f"{OPENING}\n\n* using brackets: [], or\n* with a comprehension;\n") == [whole]


def test_of_a_long_list_each_fragment_is_quoted_with_the_announcement() -> None:
    items = [f"way number {n} is rather long to read and to write" for n in range(6)]
    first, *others = texts(OPENING + "\n\n" + "\n".join(f"- {item}," for item in items))
    assert first.startswith(f"{OPENING} {items[0]}; {items[1]};") and first.endswith("; ...")
    assert others == [f"{OPENING} {item}" for item in items]


def test_items_that_are_sentences_stand_alone() -> None:
    items = ["Close the valve by hand.", "Wait until the pump has stopped."]
    listed = f"Before you leave:\n- {items[0]}\n- {items[1]}"
    assert texts(listed) == [f"Before you leave: {' '.join(items[:1])}; {items[1]}", *items]


def test_an_announcement_of_code_counts_less_than_a_sentence() -> None:
    (one,) = quotable("The following call has no effect:\n\n```python\nclose(the, valve)\n```")
    assert (one.text, one.weight < 1) == ("The following call has no effect:", True)


def test_rows_of_a_table_are_quoted_with_the_names_of_their_columns() -> None:
    table = "| Zone | Weight | Price |\n|---|---|---|\n| North | 5 kg | 7.30 |\n| South | | 2 \\| 3 |\n| West | | |\n"
    assert texts(f"Prices are gross.\n\n{table}\nThey change in May.") == [
        "Prices are gross.",
        "Zone: North; Weight: 5 kg; Price: 7.30",
        "Zone: South; Price: 2 \\| 3",
        "They change in May.",
    ]


def test_a_table_without_outer_bars_is_one() -> None:
    assert texts("Zone | Price\n---|---\nNorth | 7.30") == ["Zone: North; Price: 7.30"]


def test_a_table_without_column_names_is_quoted_by_its_cells() -> None:
    assert texts("| | |\n|---|---|\n| s.pop(i) | removes the item |") == ["s.pop(i); removes the item"]


def test_of_a_long_row_its_sentences_are_quoted() -> None:
    answer = "The pump starts by itself. " * 30
    assert set(texts(f"| Question | Answer |\n|---|---|\n| Who starts it? | {answer}|")) == {
        "Who starts it?",
        "The pump starts by itself.",
    }


@pytest.mark.parametrize(
    "passage",
    [
        "# How the pump is started by hand",
        "How the pump is started by hand\n-------------------------------",
        "```\nHow the pump is started by hand.\n```",
        "~~~ text\nHow the pump is started by hand.\n~~~",
        "    How the pump is started by hand.",
        "- ```\n  How the pump is started by hand.\n  ```",
        ">>> start(the_pump) by hand or not",
        "<!-- How the pump is started by hand. -->",
        "| How the pump | is started by hand |",
        "| How the pump | is started by hand |\n|---|---|",
        "pump = start(by_hand=True, at=8) # starts it",
        "**object.__rpow__(self, other[, modulo])**",
        '{"pump": "started", "by": "hand", "at": 8}',
        "By hand.",
        "",
    ],
)
def test_headings_code_and_scraps_are_not_quoted(passage: str) -> None:
    assert texts(passage) == []
    assert texts(f"{passage}\n\nThe pump has a valve.") == ["The pump has a valve."]


def test_lines_that_end_no_sentence_count_less_and_are_not_joined() -> None:
    last = "The office is on the left of the main entrance, behind the fountain."
    found = list(quotable(f"Opening hours of the office\nMonday to Friday, ten to four\n{last}"))
    assert [(one.text, one.weight == 1) for one in found] == [
        ("Opening hours of the office", False),
        ("Monday to Friday, ten to four", False),
        (last, True),
    ]


def test_a_line_that_goes_on_in_small_letters_is_joined() -> None:
    assert texts("The office is\nnot open on Sundays\nand holidays, which are listed below the calendar.") == [
        "The office is not open on Sundays and holidays, which are listed below the calendar."
    ]


def test_marks_of_quotations_and_footnotes_are_left_out() -> None:
    assert texts("> The valve must be\n> closed by hand.") == ["The valve must be closed by hand."]
    assert texts("[4] A string literal becomes the docstring.") == ["A string literal becomes the docstring."]


def test_a_sentence_that_needs_the_one_before_it_says_so() -> None:
    first, second = quotable("The valve is closed by hand. It opens by itself.")
    assert (first.refers_back, second.refers_back) == (False, True)
    assert not next(quotable("It opens by itself.")).refers_back


def test_what_is_too_long_for_an_answer_counts_less() -> None:
    assert next(quotable("word " * 150 + "end.")).weight < 1


def test_letters_in_a_sentence_are_no_marks() -> None:
    assert texts("It is the comma, not the parentheses. Section a. is about it.")[0] == (
        "It is the comma, not the parentheses."
    )


BITS = st.sampled_from(
    [
        "The pump starts.",
        "- It stops, or",
        "1. By hand",
        "as follows:",
        "```",
        "# Head",
        "| a | b |",
        "|---|---|",
        "> q",
        "",
    ]
)


@given(st.lists(BITS, max_size=12), st.sampled_from(["\n", "\n\n"]))
def test_every_word_that_is_quoted_is_in_the_passage(bits: list[str], between: str) -> None:
    passage = between.join(bits)
    for one in quotable(passage):
        assert "\n" not in one.text and 0 < one.weight <= 1
        assert set(re.findall(r"\w+", one.text)) <= set(re.findall(r"\w+", passage))


@pytest.mark.parametrize("fact", ["Opening hours: 9-17", "Deadline: March 15", "Support phone: 0800 1234"])
def test_a_short_fact_can_be_quoted(fact: str) -> None:
    assert texts(f"# Office\n\n{fact}") == [fact]
