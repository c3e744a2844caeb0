"""The report of an evaluation of answers: every question counts, and what is not known is null."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console

from ragops.answers.llms.ledger.calls import CallRow
from ragops.errors import UserError
from ragops.quality.evaluation.answers import CHECKS, Outcome, Row, ask_all
from ragops.quality.evaluation.reports.answers import AnswersReport, print_answers
from ragops.quality.questions import Question

QUESTIONS = [
    Question(question_id="a", question="When?", kind="k", topic="t", anchor="at eight", answer="At eight."),
    Question(question_id="b", question="Why?", kind="k", topic=None, anchor=None, answer=None),
    Question(question_id="c", question="Broken?", kind="k", topic="t", anchor="x", answer="x"),
]


def asked(question: str) -> Outcome:
    if question == "Broken?":
        raise UserError("Model m: it is down")
    cited = (("p.md", "It leaves at eight."),) if question == "When?" else ()
    return Outcome("It leaves at eight." if cited else "No.", cited, not cited, 0, 0, "m" if cited else "", False, 0.25)


def call(model: str, cost: float, outcome: str) -> CallRow:
    return CallRow.model_validate(
        {
            **dict.fromkeys(("prompt_name", "prompt_version", "trace_id")),
            "call_id": model,
            "called_at": datetime.now(UTC),
            "who": "me",
            "purpose": "ask",
            "provider": "p",
            "model": model,
            "cost": cost,
            "outcome": outcome,
            "seconds": 0.1,
            "attempts": 1,
        }
    )


def report(unanswerable: tuple[float, ...] = (0.2,), questions: list[Question] = QUESTIONS) -> AnswersReport:
    calls = [call("m", 0.002, "answered"), call("m", 0.0, "failed")]
    return AnswersReport(ask_all(asked, questions, "m"), calls, (0.5, 0.6), unanswerable, 0.55)


def printed(of: AnswersReport) -> str:
    console = Console(width=140)
    with console.capture() as output:
        print_answers(console, of)
    return output.get()


def test_checks_errors_and_cost_are_printed() -> None:
    output = printed(report())
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines()}
    assert rows["supported"][:3] == ["1.000", "0.03-1.00", "1"]
    assert rows["abstained"][0] == "1.000"
    assert "questions 3, errors 1; model calls: m 1" in output
    assert "c: Model m: it is down" in output
    assert "seconds p50 0.25, p95 0.25; cost 0.002" in output
    assert "min_evidence" not in output  # a question that failed had found evidence, so the rest is biased


def test_fallbacks_are_reported_with_their_reason() -> None:
    rows = ask_all(lambda text: replace(asked("When?"), model="quotes", failure="HTTP 400 no"), QUESTIONS[:2], "m")
    fallen = AnswersReport(rows, [], (), (), 0.5)
    assert "2 of 2 answers by a fallback: m fell back to quotes: HTTP 400 no" in printed(fallen)
    result = fallen.as_json()
    assert result["fallbacks"] == {"m fell back to quotes: HTTP 400 no": 2}
    assert [row["fallback"] for row in result["rows"]] == ["quotes", "quotes"]


def test_thresholds_are_reported_with_their_effects() -> None:
    output = printed(report(questions=QUESTIONS[:2]))
    assert "0.55 keeps 50% of the answerable and refuses 100% of the others" in output
    assert "0.50 keeps 100% of the answerable and refuses 100% of the others" in output
    assert "AUC 1.00" in output


def test_questions_of_one_kind_give_no_threshold() -> None:
    of_one_kind = report((), QUESTIONS[:2])
    assert of_one_kind.thresholds is None
    assert "AUC" not in printed(of_one_kind)
    assert of_one_kind.as_json()["evidence"] is None


def test_json_has_a_record_for_each_question_and_no_nan() -> None:
    result = json.loads(json.dumps(report().as_json(), allow_nan=False))
    assert [row["question_id"] for row in result["rows"]] == ["a", "b", "c"]
    assert result["rows"][2]["error"] == "Model m: it is down"
    assert result["rows"][2]["supported"] is None
    assert result["checks"].keys() <= {*CHECKS, "seconds"}
    assert result["evidence"] is None and result["cost"] == 0.002
    assert report(questions=QUESTIONS[:2]).as_json()["evidence"]["suggested"]["value"] == 0.5


def test_a_report_without_any_answer_can_be_printed() -> None:
    failed = ask_all(asked, QUESTIONS[2:], "m")
    nothing = AnswersReport(failed, [], (), (), 0.5)
    assert "questions 1, errors 1; model calls: none" in printed(nothing)
    assert [type(row) for row in nothing.rows] == [Row]
