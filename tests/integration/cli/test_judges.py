"""ragops judges run and list, on answers to people, with a real HTTP server as the judge."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from ragops.cli.app import app
from ragops.corpus.chunks.table import CHUNKS, ChunkRow
from ragops.errors import UserError
from ragops.platform.collected import add
from ragops.platform.merge import StageReport
from ragops.platform.workspace import Workspace
from ragops.quality.criteria.store import latest
from ragops.quality.feedback.rows import ANSWERS
from tests.support.feedback import an_answer
from tests.support.judging import verdicts
from tests.support.notes_index import publish_notes
from tests.support.openai_double import Behavior, OpenAIDouble, serving

ROOT = Path(__file__).parents[3]
Ragops = Callable[..., Result]
ABOUT_NOTES = [
    {"question_id": name, "question": asked, "kind": "fact", "topic": name, "anchor": anchor, "answer": anchor}
    for name, asked, anchor in (
        ("otter", "How many fish does the otter eat before noon?", "four fish"),
        ("heron", "Where does the heron stand all day?", "in the reeds"),
        ("lynx", "When does the lynx hunt?", "at night"),
    )
]


@pytest.fixture
def double() -> Iterator[OpenAIDouble]:
    with serving(answer=lambda body: Behavior(text=verdicts(body))) as found:
        yield found


@pytest.fixture
def usecase(double: OpenAIDouble, tmp_path: Path) -> Callable[..., Path]:
    """Writes the use case with the server as the judge, and with other settings of `evaluation`."""

    def write(**evaluation: Any) -> Path:
        content = yaml.safe_load((ROOT / "usecase.yml").read_text())
        judge = next(one for one in content["models"]["known"] if one["name"] == content["evaluation"]["judge"])
        judge |= {"base_url": double.url, "price_per_million_input": 1000.0, "requests_per_minute": None}
        content["evaluation"] |= {"judge_sample": 1.0, "hourly_rate": 60.0, "budget": None, **evaluation}
        content["models"]["resilience"] = {"attempts": 1}
        path = tmp_path / "usecase.yml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


@pytest.fixture
def ragops(workspace: Workspace, home: Path) -> Ragops:
    """The command in a workspace that has been run once, and in which two questions were answered."""
    chunk = ChunkRow(
        chunk_id="chunk-1", doc_id="d", ordinal=0, path="io.md", heading_path=[], text="open() opens a file.",
        embedded_text="", tokens=5, text_hash="", source_version="",
    )  # fmt: skip
    answers = [
        an_answer(standalone=f"How do I open file {n}?", passages=["chunk-1"], numbers=[1], cited=[]) for n in range(12)
    ]
    for table, rows in ((CHUNKS, [chunk]), (ANSWERS, answers)):
        table.create(workspace)
        add(workspace, table, rows, StageReport("test"))

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["judges", *words], env={"COLUMNS": "80", "TERM": "dumb"})

    return run


def test_a_forecast_calls_nothing_and_a_run_costs_what_it_said(
    ragops: Ragops, usecase: Callable[..., Path], double: OpenAIDouble
) -> None:
    assert isinstance(ragops("list").exception, UserError)
    live = ("run", "--live", "--usecase", str(usecase()))
    forecast = ragops(*live, "--dry-run", "--json")
    assert forecast.exit_code == 0, forecast.output
    expected = json.loads(forecast.stdout)
    assert (expected["calls"], expected["answers"], double.bodies) == (36, 12, [])
    done = ragops(*live, "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert len(double.bodies) == report["bill"]["calls"] == 36
    assert report["states"] == {"scored": 36}
    assert "12 of 12 answers (evaluation.judge_sample: 1)" in done.stderr
    learned = json.loads(
        ragops("run", "--live", "--usecase", str(usecase(max_error_share=0.2)), "--dry-run", "--json").stdout
    )
    assert (learned["calls"], learned["cached"]) == (0, 36)
    again = ragops(*live)
    assert len(double.bodies) == 36, "the second run calls nothing"
    assert "36 judgments without a call" in again.stdout
    assert "groundedness" in again.stdout and "12.00" in again.stdout, "a minute each for twelve labels"
    assert max(map(len, again.stdout.splitlines()[:4])) <= 80
    listed = {one["judge"]: one for one in json.loads(ragops("list", "--json").stdout)}
    assert listed["groundedness"]["judgments"] == listed["groundedness"]["scored"] == 12
    assert "answer_relevance" in ragops("list").stdout


def test_a_budget_ends_a_run_and_what_was_judged_stays(
    ragops: Ragops, usecase: Callable[..., Path], double: OpenAIDouble
) -> None:
    whole = json.loads(ragops("run", "--live", "--usecase", str(usecase(workers=1)), "--dry-run", "--json").stdout)
    path = usecase(budget=whole["cost"] / 3, workers=1)
    stopped = ragops("run", "--live", "--usecase", str(path))
    assert stopped.exit_code == 0, stopped.output
    calls = len(double.bodies)
    assert 0 < calls < 36
    assert "stopped: the budget of" in stopped.stdout and f"{36 - calls} of 36 judgments are missing" in stopped.stdout
    rest = json.loads(ragops("run", "--live", "--usecase", str(usecase(workers=1)), "--json").stdout)
    assert rest["bill"]["calls"] == 36 - calls


def test_too_many_failures_end_in_one_line_and_exit_code_1(
    ragops: Ragops, usecase: Callable[..., Path], double: OpenAIDouble
) -> None:
    double.answer = lambda body: Behavior(status=500) if len(double.bodies) % 3 == 0 else Behavior(text=verdicts(body))
    failed = ragops("run", "--live", "--usecase", str(usecase(workers=1)))
    assert failed.exit_code == 1
    (line,) = [one for one in failed.stderr.splitlines() if one.startswith("error:")]
    assert "33% of the judgments have no verdict (12 error)" in line and "evaluation.max_error_share" in line
    assert "24 scored, 12 error" in failed.stdout


@pytest.mark.parametrize(("model", "words"), [("served", "writes the answers"), ("quotes", "cannot judge")])
def test_a_model_that_cannot_judge_is_refused_in_one_line(
    ragops: Ragops, usecase: Callable[..., Path], double: OpenAIDouble, model: str, words: str
) -> None:
    refused = ragops("run", "--live", "--model", model, "--usecase", str(usecase()))
    assert isinstance(refused.exception, UserError)
    assert words in str(refused.exception) and "\n" not in str(refused.exception)
    assert double.bodies == []


def test_confidential_documents_go_to_private_judges_only(
    ragops: Ragops, usecase: Callable[..., Path], double: OpenAIDouble
) -> None:
    path = usecase()
    content = yaml.safe_load(path.read_text())
    content["corpus"]["classification"] = "confidential"
    judge = next(one for one in content["models"]["known"] if one["name"] == content["evaluation"]["judge"])
    judge["private"] = False
    path.write_text(yaml.safe_dump(content))
    refused = ragops("run", "--live", "--usecase", str(path))
    assert "confidential documents may go to private models only" in str(refused.exception)
    assert double.bodies == []


def test_evaluation_questions_are_asked_judged_and_recorded(
    home: Path, workspace: Workspace, usecase: Callable[..., Path], double: OpenAIDouble, tmp_path: Path
) -> None:
    """The chain answers with quotes from a real index; what was judged once is not judged again."""
    publish_notes(tmp_path / "work", workspace)
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in ABOUT_NOTES))
    path = usecase(questions="questions.jsonl")
    content = yaml.safe_load(path.read_text())
    content["models"]["answer"] = {"primary": "quotes"}
    path.write_text(yaml.safe_dump(content))

    def judged(*words: str) -> Any:
        done = CliRunner().invoke(app, ["judges", "run", "--questions", "3", "--usecase", str(path), *words, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    forecast = judged("--dry-run")
    assert double.bodies == []
    report = judged()
    assert len(double.bodies) == report["bill"]["calls"] == forecast["calls"] > 0
    assert report["states"] == {"scored": forecast["calls"]}
    assert judged()["bill"]["calls"] == 0
    measured = latest(workspace)
    assert (measured["groundedness"].value, measured["groundedness"].chain) == (1.0, "working copy")
