"""ragops prompts compare over a real index, with the real encoder, and MLflow on SQLite."""

import json
import re
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.artifacts import load_dict
from typer.testing import CliRunner, Result

from ragops.answers.llms.settings import DEFAULT_ABSTENTION
from ragops.cli.app import app
from ragops.errors import UserError
from tests.support.notes_index import WORKSPACE, publish_notes
from tests.support.openai_double import Behavior, serving

ROOT = Path(__file__).parents[4]
EXPERIMENT = "/Workspace/Users/me/quality"
ASKED = [("otter", "What does the otter eat?", "four fish"), ("heron", "Where does the heron stand?", "in the reeds")]
NOTHING = "I cannot find the answer in the documents."


@pytest.fixture
def use_case(client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with an index of three notes, and a use case with a scripted model."""
    resources = {
        "schemas": {"rag": {"catalog_name": WORKSPACE.catalog, "name": WORKSPACE.schema}},
        "experiments": {"quality": {"name": EXPERIMENT}},
    }
    variables = {"llm": {"value": ""}}
    (tmp_path / "bundle.json").write_text(json.dumps({"resources": resources, "variables": variables}))
    publish_notes(tmp_path / "work")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)  # nothing may be written outside the workspace
    result = yaml.safe_load((ROOT / "usecase.yml").read_text())
    replies = ["Four fish [1].", "In the reeds [1].", NOTHING, "Four fish [1].", DEFAULT_ABSTENTION, "Paris."]
    result["models"]["known"].append({"name": "script", "provider": "scripted", "replies": replies})
    result["evaluation"]["questions"] = "asked.jsonl"
    result["answers"]["min_evidence"] = 0.0  # each question gets the next reply of the script
    fields = ("question_id", "question", "kind", "topic", "anchor", "answer")
    values = [(topic, question, "k", topic, anchor, anchor) for topic, question, anchor in ASKED]
    values.append(("x", "Who rules France?", "k", None, None, None))
    rows = [dict(zip(fields, row, strict=True)) for row in values]
    (tmp_path / "asked.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    path = tmp_path / "usecase.yml"
    path.write_text(yaml.safe_dump(result))
    return path


def run(use_case: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--usecase", str(use_case)], catch_exceptions=False)


def compare(use_case: Path, *words: str) -> str:
    done = run(use_case, "prompts", "compare", *words)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_each_combination_is_measured_and_logged(use_case: Path, client: MlflowClient, tmp_path: Path) -> None:
    own, brief = json.loads(compare(use_case, "--prompts", "brief", "--models", "script", "--json"))
    assert (own["prompt"], own["answered"]["mean"], own["abstained"]["mean"]) == ("cite_or_abstain", 1.0, 1.0)
    assert own["supported"]["mean"] == 1.0 and own["minus_card"] is None
    assert (brief["prompt"], brief["minus_card"]["answered"]["mean"]) == ("brief", -0.5)
    found = client.get_experiment_by_name(EXPERIMENT)
    assert found is not None and found.artifact_location.startswith(tmp_path.as_uri())
    runs = {run.info.run_name: run for run in client.search_runs([found.experiment_id])}
    parent, child = runs.pop("comparison"), runs["brief, script, weighted"]
    assert len(runs) == 2 and {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    assert child.data.params["content_hash"] == brief["content_hash"] and child.data.params["technique"] == "zero_shot"
    assert child.data.metrics["answered"] == 0.5 and child.data.metrics["tokens"] > 0
    table = load_dict(f"{child.info.artifact_uri}/answers.json")
    assert table["data"][0][table["columns"].index("answer")] == "Four fish [1]."
    assert {run.info.status for run in (parent, *runs.values())} == {"FINISHED"}
    assert {path.name for path in tmp_path.iterdir()} & {"mlruns", "mlflow.db"} == set()


def test_several_models_are_reported_in_separate_tables(use_case: Path) -> None:
    text = compare(use_case, "--prompts", "cite_or_abstain", "--models", "script,quotes", "--questions", "2")
    assert "2 questions" in text
    assert [line.split()[0] for line in text.splitlines() if line.startswith(("script", "quotes"))] == [
        "script",
        "quotes",
    ]


def test_a_failed_variant_fails_the_command(use_case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(
        answer=lambda body: Behavior(status=401, error={"error_code": "PERMISSION_DENIED", "message": "who are you"})
    ) as double:
        monkeypatch.setenv("OPENAI_BASE_URL", double.url)
        done = run(use_case, "prompts", "compare", "--prompts", "cite_or_abstain", "--models", "script,served")
    assert done.exit_code == 1
    output = " ".join(done.output.split())
    assert re.search(r"cite_or_abstain, served, weighted: 100% failed.*who are you", output)
    assert "script" in output and not re.search(r"script, \w+: \d+% failed", output)


def test_a_model_forbidden_by_policy_is_refused_before_any_run(
    use_case: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
    result = yaml.safe_load(use_case.read_text())
    result["corpus"]["classification"] = "confidential"
    result["models"]["known"][0]["private"] = False
    use_case.write_text(yaml.safe_dump(result))
    with pytest.raises(UserError, match="Model served: confidential documents may go to private models only"):
        compare(use_case, "--models", "script,served")
    assert client.get_experiment_by_name(EXPERIMENT) is None


def test_an_evaluation_without_any_answer_of_the_model_fails(use_case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
    done = run(use_case, "evaluate", "answers", "--model", "served")
    assert done.exit_code == 1
    assert "errors 3" in done.stdout and "served fell back to quotes: [Errno 111] Connection refused" in done.stdout
    assert "min_evidence" not in done.stdout
    assert run(use_case, "evaluate", "answers", "--model", "script").exit_code == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--prompts", "breif"), "did you mean brief"),
        (("--models", "gpt"), "served, smollm2, quotes, judge, script"),
        (("--models", "served"), "model served: not available here (OPENAI_BASE_URL is not set)"),
        (("--prompts", "standalone_question"), "its task is rewrite"),
    ],
)
def test_an_invalid_comparison_is_refused_before_any_run(
    use_case: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], reason: str
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UserError) as refused:
        compare(use_case, *words)
    assert reason in str(refused.value) and "\n" not in str(refused.value)
    assert client.get_experiment_by_name(EXPERIMENT) is None
