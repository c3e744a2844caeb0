"""Question files, anchors in texts, and the demo's questions: each anchor names exactly one passage of the corpus."""

import re
from collections import Counter
from pydoc_data.topics import topics as texts
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ragops.demo.corpus import PATHS
from ragops.quality.datasets.files import SAMPLES, load_questions, sample_file
from ragops.quality.questions import Anchors, Question, holds_anchor

AROUND = 200  # characters before and after an anchor
COMMON = """
a an and any are as at be but by can could do does for from get got had has have how i if in into is it its me my no
not of on one or so than that the their them then there they this to up was what when where which while who why will
with you your
"""
LATER = {"attr-fallback-order", "getattribute-and-getattr-which-is-called", "pdb-display-mutable"}
"""Their answers are not in the help of early releases of Python 3.11, such as Debian's 3.11.2."""


def _documented(question: Question) -> bool:
    """Whether this Python's help has the answer, which only those of `LATER` may lack."""
    return question.question_id not in LATER or holds_anchor(texts[str(question.topic)], str(question.anchor))


QUESTIONS = load_questions()
ANSWERABLE = [question for question in QUESTIONS if question.answerable and _documented(question)]
SAME_WORDS = [question for question in load_questions(sample_file("sample_same_words")) if _documented(question)]


def test_the_demo_has_enough_questions_of_both_kinds() -> None:
    assert len(ANSWERABLE) >= 130
    assert len(QUESTIONS) - len(ANSWERABLE) >= 24


def test_ids_and_wordings_are_unique() -> None:
    every = [question for name in SAMPLES for question in load_questions(sample_file(name))]
    assert len({question.question_id for question in every}) == len(every)
    assert len({question.question for question in every}) == len(every)
    assert all(re.fullmatch(r"[a-z0-9-]{3,40}", question.question_id) for question in every)


def test_the_demo_questions_cover_topics_formats_and_kinds() -> None:
    assert len({question.topic for question in ANSWERABLE}) >= 60
    suffixes = {PATHS[question.topic].suffix for question in ANSWERABLE if question.topic}
    assert suffixes == {path.suffix for path in PATHS.values()}
    assert {"keyword", "natural", "how_to", "symptom", "multi_part"} <= {question.kind for question in QUESTIONS}
    most = Counter(question.topic for question in ANSWERABLE).most_common(1)[0][1]
    assert most < len(ANSWERABLE) / 10


@pytest.mark.parametrize("question", [*ANSWERABLE, *SAME_WORDS], ids=lambda question: question.question_id)
def test_an_anchor_names_one_passage(question: Question) -> None:
    assert question.topic is not None
    assert question.anchor is not None
    assert 3 <= len(question.anchor.split()) <= 8
    assert _plain(texts[question.topic]).count(f" {_plain(question.anchor).strip()} ") == 1


def test_an_anchor_found_in_another_topic_is_the_same_passage_there() -> None:
    plain = {topic: _plain(text) for topic, text in texts.items()}
    for question in ANSWERABLE:
        anchor = _plain(str(question.anchor))
        around = {_neighbours(text, anchor) for text in plain.values() if anchor in text}
        assert len(around) == 1, question.question_id


def test_questions_use_other_words_than_their_passages() -> None:
    shares = [_shared_words(question) for question in ANSWERABLE]
    assert mean(shares) < 0.4


def test_questions_with_the_documents_words_share_them_with_their_quotes() -> None:
    shares = [_share(question.question, " ".join(question.quotes)) for question in SAME_WORDS]
    assert mean(shares) > 0.5
    assert len({question.topic for question in SAME_WORDS}) >= 50


def test_quotes_are_in_their_documents_and_contain_the_anchor() -> None:
    for question in SAME_WORDS:
        assert question.quotes
        assert all(_plain(quote) in _plain(texts[str(question.topic)]) for quote in question.quotes)
        assert any(holds_anchor(quote, str(question.anchor)) for quote in question.quotes)


def test_the_gold_is_the_quotes_or_else_the_anchor() -> None:
    assert SAME_WORDS[0].gold == SAME_WORDS[0].quotes
    assert ANSWERABLE[0].gold == (ANSWERABLE[0].anchor,)
    unknown = next(question for question in QUESTIONS if not question.answerable)
    assert unknown.gold == ()


def test_a_question_with_half_an_answer_is_refused() -> None:
    fields = {"question_id": "x", "question": "?", "kind": "terse", "topic": "with", "anchor": None, "answer": None}
    with pytest.raises(ValidationError, match="together"):
        Question.model_validate(fields)


@pytest.mark.parametrize(
    "text",
    [
        "define `__init__` so that it runs",
        "Define \\_\\_init\\_\\_ so\nthat it runs",
        "you *define* “__INIT__”, so that",
        "<p>define <code>__init__</code> so that",
    ],
)
def test_markup_does_not_hide_an_anchor(text: str) -> None:
    assert holds_anchor(re.sub("<[^>]+>", "", text), "define __init__ so that")


@pytest.mark.parametrize("anchor", ["so define __init__", "__init__ so tha", "", "**"])
def test_an_anchor_needs_whole_words_in_order(anchor: str) -> None:
    assert not holds_anchor("define __init__ so that it runs", anchor)


@given(
    st.lists(st.text(alphabet="abc", min_size=1), min_size=1, max_size=6),
    st.sampled_from([" ", "\n", " `", "* ", "\\_"]),
)
def test_punctuation_between_words_does_not_hide_an_anchor(words: list[str], between: str) -> None:
    assert holds_anchor(f"x {between.join(words)} x", " ".join(words))


def test_anchors_prepared_once_are_found_as_single_ones() -> None:
    anchors = Anchors([one.anchor for one in QUESTIONS])
    text = " ".join(f"... {one.anchor}!" for one in QUESTIONS[::3] if one.anchor)
    found = anchors.found_in(text)
    assert found == [number for number, one in enumerate(QUESTIONS) if one.anchor and holds_anchor(text, one.anchor)]
    assert found and all(anchors.is_in(text, number) for number in found)
    assert Anchors([None, "", "..."]).found_in("... text") == []


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=3).map(" ".join), max_size=5), st.text("abc ", max_size=12))
def test_anchors_of_any_words_are_found_as_single_ones(given: list[str], text: str) -> None:
    assert Anchors(given).found_in(text) == [at for at, one in enumerate(given) if f" {one} " in f" {text} " and one]


def _plain(text: str) -> str:
    words = re.findall(r"[^\W_]+", text.casefold())
    return f" {' '.join(words)} "


def _neighbours(text: str, anchor: str) -> tuple[str, str]:
    before, after = text.split(anchor, 1)
    return before.split()[-1], (after.split() or [""])[0]


def _shared_words(question: Question) -> float:
    text = _plain(texts[str(question.topic)])
    start = text.index(_plain(str(question.anchor)))
    return _share(question.question, text[max(0, start - AROUND) : start + AROUND])


def _share(question: str, passage: str) -> float:
    """The share of the question's less common words that are in the passage."""
    known = set(_plain(passage).split())
    words = [word for word in _plain(question).split() if word not in COMMON.split()]
    return sum(word in known for word in words) / max(1, len(words))
