"""Verdicts in the terminal and as files: everything that people wrote is text."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ragops.errors import UserError
from ragops.quality.datasets.files import load_questions
from ragops.quality.datasets.leakage import evaluation_questions
from ragops.quality.feedback.console import SHOWN, show_verdicts
from ragops.quality.feedback.export import export_verdicts
from ragops.quality.feedback.review import Reviewed
from ragops.usecase import UseCase, load_usecase
from tests.support.feedback import ID, reviewed


def shown(found: list[Reviewed], width: int = 80) -> str:
    out = StringIO()
    show_verdicts(Console(file=out, width=width, force_terminal=True, color_system=None), found)
    return out.getvalue()


def test_a_verdict_is_a_heading_a_question_and_a_comment() -> None:
    assert shown([reviewed()]).split("\n")[:3] == [
        "2026-11-30 12:05  down: It is wrong  reader@firm",
        "  How do I open a file?".ljust(80),
        '  "It says the opposite."'.ljust(80),
    ]


def test_no_line_is_longer_than_the_terminal() -> None:
    long = reviewed(question="word " * 300, comment="x" * 500, who="somebody.with.a.long.name@" + "firm." * 30)
    assert max(len(line) for line in shown([long]).split("\n")) <= 80


@pytest.mark.parametrize("text", ["[bold]markup[/]", "[/]", "[link=http://x]y[/link]", "<b>html</b>"])
def test_markup_is_shown_as_it_was_written(text: str) -> None:
    assert text in shown([reviewed(question=text)])


@given(text=st.text(max_size=60))
def test_nothing_that_people_write_controls_the_terminal(text: str) -> None:
    out = shown([reviewed(question=text, comment=text, who=text)])
    assert not set(out) & set("\x1b\x9b\x07\x08\r\x7f\u202e\u2066")


def test_an_unknown_answer_is_named_and_many_verdicts_are_counted() -> None:
    assert f"unknown answer resp_{'0' * 32}" in shown([reviewed(question=None)])
    assert "and 3 more" in shown([reviewed()] * (SHOWN + 3))
    assert "no verdicts" in shown([])


def test_an_exported_set_is_read_as_questions_to_review(tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    found = [reviewed(0, question="q\u2028\x85 ünï"), reviewed(1, question=None), reviewed(2, comment=None)]
    assert export_verdicts(found, file) == 2
    questions = load_questions(file)
    assert [one.question for one in questions] == ["q\u2028\x85 ünï", "How do I open a file?"]
    assert all(one.to_review and one.kind == "feedback" for one in questions)
    said = questions[0].feedback
    assert said is not None
    assert (said["verdict"], said["comment"]) == ("down", "It says the opposite.")
    assert said["passages"] == [
        {"chunk_id": "c1", "cited": True, "path": "io.md", "text": "open() opens"},
        {"chunk_id": "c2", "cited": False, "path": None, "text": None},
    ]


def use_case_with(questions: str) -> UseCase:
    own = load_usecase(Path("usecase.yml"))
    return own.model_copy(update={"evaluation": own.evaluation.model_copy(update={"questions": questions})})


def test_questions_are_measured_once_somebody_has_reviewed_them(tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    export_verdicts([reviewed(0), reviewed(1)], file)
    with pytest.raises(UserError, match="nobody has reviewed"):
        evaluation_questions(use_case_with(str(file)))
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    del first["to_review"]
    first |= {"topic": "io", "anchor": "opens a file", "answer": "With open."}
    file.write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n")
    assert [one.question_id for one in evaluation_questions(use_case_with(str(file)))] == [f"{ID}0"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=1", "\uff1d1", '=HYPERLINK("x")'])
def test_no_cell_is_a_formula(tmp_path: Path, text: str) -> None:
    file = tmp_path / "verdicts.csv"
    assert export_verdicts([reviewed(comment=text, question=text, who=text)], file) == 1
    with file.open(encoding="utf-8-sig", newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert {row[name] for name in ("comment", "question", "who")} == {f"'{text}"}
    assert row["passages"] == "io.md c1 (cited)\n(removed) c2"
    assert row["given_at"] == "2026-11-30T12:05:00+00:00"


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.jsonl"):
        export_verdicts([], tmp_path / "verdicts.xlsx")
    with pytest.raises(UserError, match="cannot be written"):
        export_verdicts([], tmp_path / "none" / "verdicts.csv")
