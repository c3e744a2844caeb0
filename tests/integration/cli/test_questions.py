"""ragops questions: sets that are listed and copied; candidates from feedback that are accepted, edited or rejected."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ragops.cli.app import app
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.datasets.files import load_questions
from ragops.quality.feedback.files import record_answer, record_verdict
from ragops.quality.feedback.stage import merge_answers, merge_feedback
from tests.support.feedback import a_verdict, an_answer
from tests.support.notes_index import NOTES, publish_notes

Ragops = Callable[..., Result]
ASKED = ("What does the otter eat?", "Where does the heron sleep?", "When does the lynx hunt?", "Who swims?")


@pytest.fixture
def ragops(workspace: Workspace, home: Path, tmp_path: Path) -> Ragops:
    """The command in a workspace with an index, with a question set of its own."""
    publish_notes(tmp_path / "work", workspace)
    text = Path("usecase.yml").read_text().replace("questions: sample ", "questions: set.jsonl ")
    (tmp_path / "usecase.yml").write_text(text)

    def run(*words: str, **environment: str) -> Result:
        without = words[:2] in (("candidates", "list"), ("candidates", "reject"))
        named = [] if without else ["--usecase", str(tmp_path / "usecase.yml")]
        return CliRunner().invoke(
            app, ["questions", *words, *named], env={"COLUMNS": "200", "TERM": "dumb"} | environment
        )

    return run


def collect(workspace: Workspace) -> None:
    for question in ASKED:
        answer = an_answer(question=question, answer="I do not know.")
        record_answer(workspace.volume(LEDGER), answer)
        record_verdict(workspace.volume(LEDGER), a_verdict(answer, comment=f"Wrong: {question}"))
        if question == ASKED[0]:
            record_verdict(workspace.volume(LEDGER), a_verdict(answer, who="other@firm", comment="Fish!"))
    merge_answers(workspace)
    merge_feedback(workspace)


def open_ids(ragops: Ragops) -> dict[str, str]:
    return {one["question"]: one["candidate_id"] for one in json.loads(ragops("candidates", "list", "--json").stdout)}


def test_feedback_becomes_questions_once(ragops: Ragops, workspace: Workspace, tmp_path: Path) -> None:
    collect(workspace)
    ids = open_ids(ragops)
    assert set(ids) == set(ASKED)
    assert "Fish!" in ragops("candidates", "list").stdout

    quote = "The otter eats four fish before noon"
    accepted = ("candidates", "accept", ids[ASKED[0]], "--answer", "Four fish.", "--quote", quote)
    assert "added to set.jsonl" in ragops(*accepted).stdout
    assert "already in set.jsonl" in ragops(*accepted).stdout
    (first,) = load_questions(tmp_path / "set.jsonl")
    assert (first.question, first.quotes, first.kind) == (ASKED[0], (quote,), "feedback")

    lost = ragops("candidates", "accept", ids[ASKED[1]], "--quote", "The heron sleeps in a bed of feathers")
    assert "is in no passage of the index" in str(lost.exception)
    assert "rejected" in ragops("candidates", "reject", ids[ASKED[1]][:6]).stdout
    late = ragops("candidates", "accept", ids[ASKED[1]], "--unanswerable")
    assert "a rejected one does not come back" in str(late.exception)

    script = tmp_path / "editor.py"
    saved = {"question": "At what time does the lynx hunt?", "answer": "At night.", "quotes": [NOTES["lynx"]]}
    script.write_text(f"import pathlib, sys; pathlib.Path(sys.argv[1]).write_text({json.dumps(json.dumps(saved))})")
    edited = ragops("candidates", "edit", ids[ASKED[2]], EDITOR=f"{Path('.venv/bin/python').absolute()} {script}")
    assert "added to set.jsonl" in edited.stdout
    assert ragops("candidates", "accept", ids[ASKED[3]], "--unanswerable").exit_code == 0

    collect(workspace)  # people complain again
    assert open_ids(ragops) == {}
    assert "no candidates" in ragops("candidates", "list").stdout
    shown = ragops("candidates", "list", "--all").stdout
    assert shown.count("(accepted by") == 3 and shown.count("(rejected by") == 1
    found = load_questions(tmp_path / "set.jsonl")
    assert [one.question for one in found] == [ASKED[0], saved["question"], ASKED[3]]
    assert [one.answerable for one in found] == [True, True, False]


def test_a_set_is_listed_and_copied_with_its_version(ragops: Ragops, tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text('{"question": "Who swims?", "answer": "The otter."}\n')
    listed = json.loads(
        CliRunner().invoke(app, ["questions", "list", "--json", "--usecase", str(tmp_path / "usecase.yml")]).stdout
    )
    assert (listed["questions"], listed["with_gold"], listed["rows"][0]["question"]) == (1, 0, "Who swims?")
    copy = tmp_path / "copy.jsonl"
    assert f"version {listed['version']}" in ragops("export", str(copy)).stdout
    assert "exists" in str(ragops("export", str(copy)).exception)
    shown = ragops("list", "--questions-file", str(copy)).stdout
    assert f"version {listed['version']}, 1 questions" in shown and "Who swims?" in shown
