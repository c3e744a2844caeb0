import math

import numpy as np
import pytest

from ragops.errors import UserError
from ragops.quality.datasets.files import load_questions
from ragops.quality.evaluation.answers import (
    CHECKS,
    Outcome,
    Row,
    ask_all,
    differences,
    fallbacks,
    metrics,
    reported_fallbacks,
    sampled,
    summarize,
)
from ragops.quality.questions import Question

KNOWN = Question(
    question_id="q1", question="When?", kind="how_to", topic="ferry", anchor="twenty to eight", answer="7:40"
)
UNKNOWN = Question(question_id="x1", question="Mona Lisa?", kind="how_to", topic=None, anchor=None, answer=None)
PASSAGE = ("ferry.md", "The ferry leaves at twenty to eight.")
OTHER = ("crane.md", "Painters close the crane.")


def outcome(text: str = "It leaves at twenty to eight [1].", **changed: object) -> Outcome:
    given = {
        "cited": (PASSAGE,),
        "abstained": False,
        "valid_citations": 1,
        "removed_citations": 0,
        "model": "m",
        "quoted": False,
        "seconds": 1.0,
    }
    return Outcome(text=text, **(given | changed))  # type: ignore[arg-type]


def judged(answer: Outcome, question: Question = KNOWN) -> dict[str, float]:
    (row,) = ask_all(lambda text: answer, [question], "m")
    return {name: value for name, value in row.values.items() if not math.isnan(value)}


@pytest.mark.parametrize(
    ("answer", "question", "expected"),
    [
        (
            outcome(),
            KNOWN,
            {"answered": 1, "supported": 1, "citation_validity": 1, "lexical_support": 1, "own_words": 1},
        ),
        (outcome(cited=(OTHER,)), KNOWN, {"supported": 0, "lexical_support": 0}),
        (outcome(removed_citations=3), KNOWN, {"citation_validity": 0.25}),
        (outcome(quoted=True), KNOWN, {"own_words": 0}),
        (outcome(cited=(PASSAGE, OTHER), valid_citations=0, removed_citations=1), KNOWN, {"citation_validity": 0}),
        (outcome("No.", cited=(), abstained=True), KNOWN, {"answered": 0, "supported": 0}),
        (outcome("No.", cited=(), abstained=True, model=""), UNKNOWN, {"abstained": 1}),
        (outcome(), UNKNOWN, {"abstained": 0, "citation_validity": 1}),
    ],
)
def test_each_check_of_an_answer(answer: Outcome, question: Question, expected: dict[str, float]) -> None:
    found = judged(answer, question)
    assert {name: found[name] for name in expected} == expected
    assert ("answered" in found) == question.answerable
    assert ("abstained" in found) != question.answerable
    if answer.abstained:
        assert "lexical_support" not in found


def test_a_failed_question_is_counted_as_an_error_and_is_in_no_mean() -> None:
    def ask(text: str) -> Outcome:
        if text == KNOWN.question:
            raise UserError("model m: down")
        return outcome("No.", cited=(), abstained=True)

    rows = ask_all(ask, [KNOWN, UNKNOWN], "m")
    assert rows[0].error == "model m: down"
    figures = metrics(rows)
    assert (figures["errors"], figures["questions"], figures["abstained"]) == (1, 2, 1)
    assert "answered" not in figures
    assert math.isnan(summarize(rows)["answered"].mean)


@pytest.mark.parametrize(
    "answer", [outcome(valid_citations=0), outcome("No.", cited=(), abstained=True, valid_citations=0)]
)
def test_citation_validity_does_not_apply_to_an_answer_without_citations(answer: Outcome) -> None:
    assert "citation_validity" not in judged(answer)


def test_an_answer_of_another_model_is_an_error_and_one_without_a_model_is_not() -> None:
    by = {KNOWN.question: "quotes", UNKNOWN.question: ""}
    fallback, no_model = ask_all(lambda text: outcome(model=by[text]), [KNOWN, UNKNOWN], "served")
    assert (fallback.error, fallback.fallback) == ("served fell back to quotes: it did not answer", "quotes")
    assert no_model.fallback == ""
    assert all(map(math.isnan, fallback.values.values())) and no_model.error is None


def test_fallbacks_are_counted_by_reason() -> None:
    why = iter(["HTTP 400 no", "HTTP 429 busy", "HTTP 400 no", ""])

    def ask(text: str) -> Outcome:
        failure = next(why)
        return outcome(model="quotes" if failure else "served", failure=failure)

    rows = ask_all(ask, [KNOWN] * 4, "served")
    assert fallbacks(rows) == {
        "served fell back to quotes: HTTP 400 no": 2,
        "served fell back to quotes: HTTP 429 busy": 1,
    }
    expected = "3 of 4 answers by a fallback: served fell back to quotes: HTTP 400 no (and 1 more reasons)"
    assert reported_fallbacks(rows) == expected
    assert (metrics(rows)["fallbacks"], metrics(rows)["errors"]) == (3, 3)
    assert reported_fallbacks(rows[3:]) == "" and metrics(rows[3:])["fallbacks"] == 0


def test_rows_of_earlier_versions_are_read() -> None:
    (row,) = ask_all(lambda text: outcome(), [KNOWN], "m")
    stored = {name: value for name, value in row.as_dict().items() if name != "fallback"}
    assert Row.from_dict(stored).fallback == ""


def test_rows_are_restored_from_json() -> None:
    rows = ask_all(lambda text: outcome(), [KNOWN, UNKNOWN], "m")
    for row in rows:
        again = Row.from_dict({k: None if v != v else v for k, v in row.as_dict().items()})
        assert (again.question_id, again.answer, again.cited) == (row.question_id, row.answer, row.cited)
        assert np.array_equal(list(again.values.values()), list(row.values.values()), equal_nan=True)


def test_differences_are_paired() -> None:
    better = ask_all(lambda text: outcome(), [KNOWN, UNKNOWN], "m")
    worse = ask_all(lambda text: outcome(cited=(OTHER,)), [UNKNOWN, KNOWN], "m")
    assert differences(better, worse)["supported"].mean == 1
    assert differences(better, better)["supported"][:3] == (0, 0, 0)
    assert math.isnan(differences(better, [])["supported"].mean)


@pytest.mark.parametrize("most", [2, 10, 60, 303, 304, 1000])
def test_a_sample_keeps_the_share_of_unanswerable_questions_and_is_reproducible(most: int) -> None:
    known = load_questions()
    some = sampled(known, most)
    assert some == sampled(known, most)
    assert len({one.question_id for one in some}) == len(some) == min(most, len(known))
    unanswerable = sum(not one.answerable for one in some)
    assert unanswerable == max(1, round(min(most, 304) * 30 / 304))


def test_every_check_has_a_meaning() -> None:
    assert set(judged(outcome())) | {"abstained"} == set(CHECKS)
