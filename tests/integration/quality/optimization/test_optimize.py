"""ragops prompts optimize: a real index, MLflow, GEPA, and an HTTP server whose answers depend on its instructions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.artifacts import load_dict
from mlflow.exceptions import MlflowException
from typer.testing import CliRunner

from ragops.answers.prompts.registry import PromptRegistry
from ragops.answers.prompts.template_files import load_template
from ragops.cli import optimize as command
from ragops.cli.app import app
from ragops.errors import UserError
from tests.support.notes_index import NOTES, WORKSPACE, publish_notes
from tests.support.openai_double import Behavior, OpenAIDouble, serving

pytest.importorskip("gepa")

ROOT = Path(__file__).parents[4]
NAME = WORKSPACE.registered("brief")
EXPERIMENT = "/Workspace/Users/me/quality"
ANCHORS = {"otter": ("eat", "four fish"), "heron": ("stand", "in the reeds"), "lynx": ("hunt", "at night")}
RULE = "Always add the number of the passage."
BETTER = f"{RULE} Without an answer, reply: {{{{ abstention }}}}"


def question(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"]).rpartition("Question:")[2]


def answering(proposal: str) -> Any:
    """A model that cites only under the rule, declines questions about France, and always makes the same proposal."""

    def answer(body: dict[str, Any]) -> Behavior:
        system = body["messages"][0]["content"]
        if "New instructions:" in system:
            return Behavior(f"They do not cite.\nNew instructions:\n{proposal}")
        asked = question(body)
        if "France" in asked:
            return Behavior("I cannot find the answer in the documents.")
        number = "[1]" if RULE in system else "[7]"
        return Behavior(f"It does so {number}.")

    return answer


@pytest.fixture
def double() -> Iterator[OpenAIDouble]:
    with serving(answer=answering(BETTER)) as double:
        yield double


@pytest.fixture
def use_case(client: MlflowClient, double: OpenAIDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with an index of three notes, questions about them, and a served model."""
    resources = {
        "schemas": {"rag": {"catalog_name": WORKSPACE.catalog, "name": WORKSPACE.schema}},
        "experiments": {"quality": {"name": EXPERIMENT}},
    }
    (tmp_path / "bundle.json").write_text(json.dumps({"resources": resources, "variables": {}}))
    publish_notes(tmp_path / "work")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("OPENAI_BASE_URL", double.url)
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("MLFLOW_GENAI_EVAL_MAX_WORKERS", "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "databricks.yml").touch()
    result = yaml.safe_load((ROOT / "usecase.yml").read_text())
    result["evaluation"]["questions"] = "asked.jsonl"
    result["answers"] |= {"min_evidence": 0.0, "uncited": "keep"}
    result["models"]["known"][0]["requests_per_minute"] = None
    (tmp_path / "asked.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows()))
    path = tmp_path / "usecase.yml"
    path.write_text(yaml.safe_dump(result))
    return path


def rows() -> Iterator[dict[str, str | None]]:
    """Each about a topic of its own, so that none has to be in the same half as another."""
    fields = ("question_id", "question", "kind", "topic", "anchor", "answer")
    for animal, (verb, anchor) in ANCHORS.items():
        for form in ("What does the {} {}?", "How does the {} {}?", "Tell: does the {} {}?"):
            asked = form.format(animal, verb)
            yield dict(zip(fields, (asked, asked, "k", asked, anchor, anchor), strict=True))
    for number in range(4):
        yield dict(zip(fields, (f"x{number}", f"Who ruled France {number}?", "k", None, None, None), strict=True))


def optimized(use_case: Path, *words: str) -> str:
    result = ["prompts", "optimize", "brief", "--model", "served", "--budget", "30", "--usecase", str(use_case), *words]
    done = CliRunner().invoke(app, result, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def versions(client: MlflowClient) -> list[int]:
    """The registered versions of the template `brief`; empty if it was never registered."""
    try:
        return [one.version for one in client.search_prompt_versions(NAME)]
    except MlflowException as error:
        assert error.error_code == "RESOURCE_DOES_NOT_EXIST"
        return []


def test_a_better_prompt_is_found_compared_registered_and_written(
    use_case: Path, client: MlflowClient, double: OpenAIDouble, tmp_path: Path
) -> None:
    use_abstention(use_case)
    text = optimized(use_case, "--alias", "challenger", "--write", str(tmp_path / "mine"))
    assert f"+{BETTER}" in text and "-You are brief." in text
    assert f"better: registered as prompts:/{NAME}/2, alias challenger" in text, text
    assert "1 proposals" in text and "cost 0" in text and "-> 1.00" in text
    written = load_template(tmp_path / "mine" / "brief.yml")
    assert written.system == BETTER
    assert PromptRegistry(client, WORKSPACE.registered).load("brief", "challenger") == written
    assert PromptRegistry(client, WORKSPACE.registered).load("brief", 1).system != BETTER
    assert_tracked(client)
    assert_only_training_answers_were_shown(double)


def assert_tracked(client: MlflowClient) -> None:
    found = client.get_experiment_by_name(EXPERIMENT)
    assert found is not None
    runs = {run.info.run_name: run for run in client.search_runs([found.experiment_id])}
    own = runs["optimization"]
    assert own.info.status == "FINISHED" and own.data.params["optimizer"] == "SystemTextOptimizer"
    assert own.data.metrics["final_eval_score"] > own.data.metrics["initial_eval_score"]
    table = load_dict(f"{own.info.artifact_uri}/candidates.json")
    assert BETTER in [row[table["columns"].index("instructions")] for row in table["data"]]
    assert {"brief, served, weighted", "optimized, served, weighted"} <= runs.keys()


def assert_only_training_answers_were_shown(double: OpenAIDouble) -> None:
    """The proposing model sees answers to training questions between delimiters, and no text of a document."""
    shown = [body["messages"] for body in double.bodies if "New instructions:" in body["messages"][0]["content"]]
    assert shown and not any(note in turn["content"] for turns in shown for turn in turns for note in NOTES.values())
    asked = [str(row["question"]) for row in rows()]
    seen = [one for one in asked if any(one in turns[1]["content"] for turns in shown)]
    assert 0 < len(seen) <= len(asked) // 2 + 1
    assert all("<passage-" not in turns[0]["content"] for turns in shown)


def use_abstention(use_case: Path) -> None:
    """The template `brief`, with an abstention that proposals may name."""
    folder = use_case.parent / "own"
    folder.mkdir()
    result = yaml.safe_load((ROOT / "src/ragops/answers/prompts/templates/brief.yml").read_text())
    result |= {"abstention": "I cannot find the answer in the documents."}
    result["system"] = "You are brief.\nWithout an answer, reply: {{ abstention }}"
    (folder / "brief.yml").write_text(yaml.safe_dump(result))
    settings = yaml.safe_load(use_case.read_text())
    settings["prompts"]["templates"] = "own"
    use_case.write_text(yaml.safe_dump(settings))


def test_a_prompt_that_is_not_better_leaves_no_version_in_the_registry(
    use_case: Path, client: MlflowClient, double: OpenAIDouble
) -> None:
    double.answer = answering("Be terse.")
    text = optimized(use_case, "--alias", "challenger")
    assert "nothing better was found" in text and "--reflection-model" in text
    assert versions(client) == [1] and client.get_prompt_version(NAME, 1).aliases == []


def test_proposals_that_cannot_be_tried_are_counted(use_case: Path, client: MlflowClient, double: OpenAIDouble) -> None:
    double.answer = answering("Read {{ passages }} first.")
    text = optimized(use_case)
    assert "proposals could not be tried; the last: " in text and "untrusted text" in text
    assert not any("Read " in body["messages"][0]["content"] for body in double.bodies)
    assert versions(client) == [1]


def test_a_model_that_stops_proposing_is_reported_in_one_line(
    use_case: Path, client: MlflowClient, double: OpenAIDouble
) -> None:
    answers = answering(BETTER)

    def failing(body: dict[str, Any]) -> Behavior:
        proposes = "New instructions:" in body["messages"][0]["content"]
        return (
            Behavior(status=400, error={"error_code": "BAD_REQUEST", "message": "no more credit"})
            if proposes
            else answers(body)
        )

    double.answer = failing
    with pytest.raises(UserError, match="no more credit") as raised:
        optimized(use_case)
    assert "\n" not in str(raised.value) and versions(client) == [1]


def test_failing_answers_are_an_error_and_not_a_low_score(
    use_case: Path, client: MlflowClient, double: OpenAIDouble
) -> None:
    double.answer = lambda body: Behavior(
        status=401, error={"error_code": "PERMISSION_DENIED", "message": "who are you"}
    )
    with pytest.raises(UserError, match="who are you"):
        optimized(use_case)
    assert versions(client) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--model", "quotes"), "model quotes: does not follow instructions; choose a language model with --model"),
        (("--reflection-model", "quotes"), "choose a language model with --reflection-model"),
        (("--reflection-model", "gpt"), "model gpt: not in usecase.yml"),
        (("--questions", "8", "--usecase", "nowhere.yml"), "usecase: cannot read nowhere.yml"),
    ],
)
def test_wrong_input_is_refused_before_any_request(
    use_case: Path, double: OpenAIDouble, words: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(UserError) as refused:
        optimized(use_case, *words)
    assert expected in str(refused.value) and "\n" not in str(refused.value) and not double.bodies


def test_a_rewriting_prompt_cannot_be_optimized(use_case: Path) -> None:
    with pytest.raises(UserError, match="its task is rewrite"):
        CliRunner().invoke(
            app, ["prompts", "optimize", "standalone_question", "--usecase", str(use_case)], catch_exceptions=False
        )


def test_a_prompt_without_a_system_text_cannot_be_optimized(use_case: Path, double: OpenAIDouble) -> None:
    use_abstention(use_case)
    file = use_case.parent / "own" / "brief.yml"
    result = yaml.safe_load(file.read_text())
    result |= {"system": "", "user": result["user"] + "{{ abstention }}"}
    file.write_text(yaml.safe_dump(result))
    with pytest.raises(UserError, match="prompt template brief: it has no system text to improve; give it one"):
        optimized(use_case)
    assert not double.bodies


def test_confidential_answers_are_sent_to_private_models_only(
    use_case: Path, double: OpenAIDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = yaml.safe_load(use_case.read_text())
    result["corpus"]["classification"] = "confidential"
    result["models"]["known"].append(dict(result["models"]["known"][0], name="abroad", private=False))
    use_case.write_text(yaml.safe_dump(result))
    with pytest.raises(UserError, match="Model abroad: confidential documents may go to private models only"):
        optimized(use_case, "--reflection-model", "abroad")
    monkeypatch.setenv("OPENAI_BASE_URL", double.url.replace("127.0.0.1", "0.0.0.0"))
    with pytest.raises(UserError, match="Model served: .*OPENAI_BASE_URL"):
        optimized(use_case)
    assert not double.bodies


def test_a_missing_extra_is_named(use_case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"package gepa is not installed; install ragops\[optimize\]"):
        optimized(use_case)


def test_too_few_questions_that_reach_the_model_are_refused(use_case: Path, double: OpenAIDouble) -> None:
    result = yaml.safe_load(use_case.read_text())
    result["answers"]["min_evidence"] = 0.99
    use_case.write_text(yaml.safe_dump(result))
    with pytest.raises(UserError, match=r"0 reach the model, and at least 4 must; ask more with --questions"):
        optimized(use_case)
    assert not double.bodies
