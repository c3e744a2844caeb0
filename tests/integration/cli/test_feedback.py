"""ragops feedback list and export, over the tables of a workspace."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ragops.cli.app import app
from ragops.errors import UserError
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.datasets.files import load_questions
from ragops.quality.feedback.files import record_answer, record_verdict
from ragops.quality.feedback.stage import merge_answers, merge_feedback
from tests.support.feedback import a_verdict, an_answer

Ragops = Callable[..., Result]


@pytest.fixture
def ragops(home: Path) -> Ragops:
    """The command in a workspace that has been run once."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["feedback", *words], env={"COLUMNS": "80", "TERM": "dumb"})

    return run


def test_verdicts_are_listed_and_exported(ragops: Ragops, workspace: Workspace, tmp_path: Path) -> None:
    assert isinstance(ragops("list").exception, UserError)  # nothing has been collected
    answer = an_answer(question="How do I open a file? [bold]\x1b[31m")
    record_answer(workspace.volume(LEDGER), answer)
    for verdict in (a_verdict(answer), a_verdict(answer, who="other@firm", verdict="up", reason=None, comment=None)):
        record_verdict(workspace.volume(LEDGER), verdict)
    merge_answers(workspace)
    merge_feedback(workspace)
    listed = ragops("list", "--verdict", "down")
    assert listed.exit_code == 0
    assert "down: It is wrong  reader@firm" in listed.output and "other@firm" not in listed.output
    assert "How do I open a file? [bold]" in listed.output and "\x1b" not in listed.output
    assert {one["who"] for one in json.loads(ragops("list", "--json").output)} == {"reader@firm", "other@firm"}
    assert "no verdicts" in ragops("list", "--since", "2100-01-01").output
    assert "2 verdicts" in ragops("export", str(tmp_path / "asked.jsonl")).output
    assert [one.question for one in load_questions(tmp_path / "asked.jsonl")] == [answer.question] * 2
    assert isinstance(ragops("export", str(tmp_path / "asked.xlsx")).exception, UserError)
