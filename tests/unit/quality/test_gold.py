"""Gold: coverage of a question by a context, and the passages that answer it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.quality.gold import covered_share, in_no_passage, is_answered_by, is_covered, is_document
from ragops.quality.questions import Question

QUOTE = "one two three four five six seven eight nine ten"
ABOUT = {"question_id": "q", "question": "?", "kind": "k", "topic": "t", "anchor": "five six seven", "answer": "a"}
texts = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("context", "share"),
    [
        (f"Before. {QUOTE} After.", 1.0),
        ("**One** two\n> three four\n\nfive SIX seven, eight: nine ten", 1.0),
        ("seven eight nine ten and then one two three four five six", 1.0),
        ("one two three four five", 0.5),
        ("one three five seven nine two four six eight ten", 0.0),
        ("", 0.0),
    ],
)
def test_words_count_where_three_follow_each_other(context: str, share: float) -> None:
    assert covered_share([QUOTE], context) == share


def test_quotes_count_by_their_words() -> None:
    assert covered_share(["one two three four five six", "seven eight"], "one two three four five six") == 0.75
    assert covered_share(["yes"], "yes it is") == 1.0
    assert covered_share(["?!"], "?!") == 0.0
    assert covered_share([], QUOTE) == 0.0


@given(texts, texts, texts)
def test_more_context_never_covers_less(quote: str, context: str, more: str) -> None:
    before = covered_share([quote], context)
    assert 0 <= before <= covered_share([quote], f"{context} {more}") <= 1
    assert covered_share([quote], f"{more} {quote} {context}") == bool(quote)


def test_a_question_is_covered_from_four_fifths_of_its_quotes() -> None:
    question = Question(**ABOUT, quotes=(QUOTE,))
    assert is_covered(question, [("one two three four", "a.md"), ("five six seven eight", "b.md")])
    assert not is_covered(question, [("one two three four five six seven", "a.md")])


def test_without_quotes_the_anchor_must_be_there() -> None:
    assert is_covered(Question(**ABOUT), [("four five six seven eight", "a.md")])
    assert not is_covered(Question(**ABOUT), [("four five six eight", "a.md")])


SECTION = " ".join(f"word{number}" for number in range(200))
PART = " ".join(f"word{number}" for number in range(50, 90))
OTHER = " ".join(f"other{number}" for number in range(60))


def question(**gold: object) -> Question:
    return Question.model_validate({"question_id": "q", "question": "?"} | gold)


def test_a_part_of_a_gold_passage_answers_and_a_passage_around_it_does_too() -> None:
    asked = question(passages=[SECTION])
    assert is_answered_by(asked, PART, "x.md")
    assert is_answered_by(question(passages=[PART]), f"{OTHER} {SECTION}", "x.md")
    assert not is_answered_by(asked, OTHER, "x.md")
    assert not is_answered_by(asked, "word1 word2", "x.md"), "a heading is in every section"
    assert not is_answered_by(asked, f"{OTHER} {PART}", "x.md"), "most of it is from elsewhere"


def test_a_context_covers_a_part_of_each_gold_passage() -> None:
    asked = question(passages=[SECTION, OTHER])
    assert is_covered(asked, [(PART, "x.md"), (OTHER, "y.md")])
    assert not is_covered(asked, [(PART, "x.md")])


def test_a_quote_without_an_anchor_answers_where_it_is() -> None:
    asked = question(quotes=[QUOTE, "eleven twelve thirteen fourteen"])
    assert is_answered_by(asked, f"Before. {QUOTE}. After", "x.md")
    assert not is_answered_by(asked, "one two three", "x.md")


def test_documents_are_gold_where_nothing_more_is_known() -> None:
    asked = question(documents=["guide/io", "b.md"])
    assert is_answered_by(asked, "any text", "landing/guide/io.md")
    assert not is_answered_by(asked, "any text", "audio.md")
    assert is_covered(asked, [("x", "guide/io.md"), ("y", "b.md")])
    assert not is_covered(asked, [("x", "guide/io.md")])


@pytest.mark.parametrize(
    ("path", "name", "same"),
    [
        ("a/b/Welcome.md", "welcome", True),
        ("a/b/welcome.md", "b/welcome.md", True),
        ("welcome.v2.md", "welcome.v2", True),
        ("welcome.v2.md", "welcome", False),
        ("unwelcome.md", "welcome.md", False),
        ("", "welcome", False),
        ("welcome.md", "", False),
    ],
)
def test_documents_are_named_by_the_end_of_their_path(path: str, name: str, same: bool) -> None:
    assert is_document(path, name) is same


@pytest.mark.parametrize("context", [[], [("any text", "a.md")]])
def test_nothing_covers_a_question_of_unknown_gold(context: list[tuple[str, str]]) -> None:
    assert not is_covered(question(answer="a"), context)
    assert not is_answered_by(question(answer="a"), "any text", "a.md")


def test_questions_that_no_passage_answers_are_named() -> None:
    passages = [(f"Four Five SIX seven. {PART}", "a/io.md"), (OTHER, "b.md")]
    by_gold = {
        "anchor there": ABOUT,
        "anchor lost": {**ABOUT, "anchor": "eight nine ten"},
        "quote there": {"quotes": [PART, "something else entirely, which is lost"]},
        "quote lost": {"quotes": ["something else entirely, which is lost"]},
        "divided between passages": {"passages": [f"{PART} {OTHER}"]},
        "passage lost": {"passages": [SECTION]},
        "document there": {"documents": ["io"]},
        "document lost": {"documents": ["c.md"]},
        "no gold": {"answer": "a"},
        "short quote": {"quotes": ["yes"]},
    }
    questions = [question(**(gold | {"question_id": name})) for name, gold in by_gold.items()]
    lost = [one.question_id for one in in_no_passage(questions, passages)]
    assert lost == ["anchor lost", "quote lost", "passage lost", "document lost"]


@given(texts, texts)
def test_a_quote_from_a_passage_is_in_it(before: str, quote: str) -> None:
    assert not in_no_passage([question(quotes=[f"{quote} x y z"])], [(f"{before} {quote} x y z", "a.md")])
