"""ragops ask over a real index, with a served model that is a real HTTP server or unreachable."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from mlflow import MlflowClient
from rich.console import Console
from typer.testing import CliRunner

from ragops.cli.app import app
from tests.support.notes_index import WORKSPACE, publish_notes
from tests.support.openai_double import Behavior, serving

ROOT = Path(__file__).parents[4]
QUESTION = "When does the lynx hunt?"
GONE = "http://127.0.0.1:9/v1"


@pytest.fixture
def use_case(client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with an index of three notes; its use case answers with what OPENAI_BASE_URL names."""
    resources = {
        "schemas": {"rag": {"catalog_name": WORKSPACE.catalog, "name": WORKSPACE.schema}},
        "experiments": {"quality": {"name": "quality"}},
    }
    (tmp_path / "bundle.json").write_text(json.dumps({"resources": resources, "variables": {}}))
    publish_notes(tmp_path / "work")
    monkeypatch.setenv("OPENAI_BASE_URL", GONE)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    result = yaml.safe_load((ROOT / "usecase.yml").read_text())
    result["answers"]["min_evidence"] = 0.0
    result["models"]["resilience"] = {"attempts": 1}
    path = tmp_path / "usecase.yml"
    path.write_text(yaml.safe_dump(result))
    return path


def run(use_case: Path, *words: str) -> Result:
    done = CliRunner().invoke(app, ["ask", QUESTION, "--usecase", str(use_case), *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done


def asked(use_case: Path, *words: str) -> str:
    return run(use_case, *words).stdout


def result(use_case: Path, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(asked(use_case, "--json", *words).splitlines()[-1])
    return answer


def test_a_fallback_is_reported_with_the_reason(use_case: Path) -> None:
    lines = asked(use_case).splitlines()
    (line,) = [line for line in lines if "fell back to" in line]
    assert line.startswith("served did not answer (") and line.endswith("fell back to quotes")
    assert "Connection refused" in line
    answer = result(use_case)
    assert (answer["model"], list(answer["failed"])) == ("quotes", ["served"])


def test_an_answer_of_the_primary_model_reports_no_fallback(use_case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Behavior("It hunts at night [1].")) as double:
        monkeypatch.setenv("OPENAI_BASE_URL", double.url)
        assert "fell back" not in asked(use_case)
        answer = result(use_case)
    assert (answer["model"], answer["failed"]) == ("served", {})


def test_a_terminal_shows_the_model_while_it_is_asked(use_case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(stderr=True, force_terminal=True, width=100)
    monkeypatch.setattr("ragops.platform.console.messages", lambda: terminal)
    with serving(Behavior("It hunts at night [1].")) as double:
        monkeypatch.setenv("OPENAI_BASE_URL", double.url)
        done = run(use_case, "--json")
    assert "asking served ..." in done.output
    assert json.loads(done.stdout[done.stdout.index("{") :])["answer"] == "It hunts at night [1]."
    monkeypatch.setattr("ragops.platform.console.messages", lambda: Console(stderr=True))
    assert "asking" not in run(use_case).output


def test_rewriting_and_answer_share_one_deadline(use_case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = yaml.safe_load(use_case.read_text())
    slow["models"]["answer"]["deadline_s"] = 0.5
    use_case.write_text(yaml.safe_dump(slow))
    with serving(Behavior(hangs=True)) as double:
        monkeypatch.setenv("OPENAI_BASE_URL", double.url)
        answer = result(use_case, "--follow", "What is a lynx?")
        assert len(double.bodies) == 1  # the rewriting: no time was left for another request
    assert answer["model"] == "quotes"
    assert "deadline has passed" in answer["failed"]["served"]
