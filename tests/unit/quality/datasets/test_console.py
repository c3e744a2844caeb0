"""What is said of a set that was measured."""

import io
from collections.abc import Sequence

from rich.console import Console

from ragops.quality.datasets.console import about, show_measured
from ragops.quality.datasets.question_set import QuestionSet, version_of
from ragops.quality.questions import Question

SET = QuestionSet(
    (
        Question(question_id="a", question="A?", kind="k", answer="a", quotes=("q",)),
        Question(question_id="b", question="B?", kind="k", answer="b"),
        Question(question_id="c", question="C?", kind="other"),
    ),
    "0123456789ab",
    "mine.jsonl",
    to_review=1,
    notes=("fields that are not read: difficulty",),
)
SOME = version_of(SET.questions[:2])


def shown(measured: Sequence[Question], in_no_passage: Sequence[str] = ()) -> list[str]:
    out = io.StringIO()
    show_measured(Console(file=out, width=80), SET, measured, in_no_passage)
    return out.getvalue().splitlines()


def test_source_version_and_what_is_left_out_are_said() -> None:
    assert shown(measured=SET.questions[:2]) == [
        f"question set mine.jsonl, version 0123456789ab, 3 questions, 2 of them measured (version {SOME})",
        "1 questions are to be reviewed and are not measured",
        "fields that are not read: difficulty",
    ]
    assert about(SET, SET.questions[:2]) == about(SET) | {"measured": 2, "measured_version": SOME}
    assert about(SET) == {
        "source": "mine.jsonl",
        "version": "0123456789ab",
        "questions": 3,
        "answerable": 2,
        "with_gold": 1,
        "to_review": 1,
        "kinds": {"k": 2, "other": 1},
        "notes": ["fields that are not read: difficulty"],
    }


def test_questions_that_cannot_be_answered_are_counted_and_a_few_named() -> None:
    last = shown(measured=SET.questions, in_no_passage=[f"q{number}" for number in range(8)])[-1]
    assert last.startswith("8 questions cannot be answered") and "q0, q1, q2, q3, q4 and 3 more" in last
    assert "(a)" in shown(measured=SET.questions, in_no_passage=["a"])[-1]
