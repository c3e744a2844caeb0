"""The job release's parameters: what cannot be released is refused before anything starts."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from ragops.serving.endpoint.principal import Identity

from ragops.answers.prompts.registry import PromptRegistry, Registered, SwitchedOff
from ragops.corpus.index.generations.pointer import Pointer
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.jobs import release
from ragops.jobs.release import ReleaseParameters, check_release
from ragops.platform.workspace import Workspace
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.log_model import Logged

ROOT = Path(__file__).parents[3]


def given(**changed: str) -> dict[str, str]:
    result = {
        "catalog": "spark_catalog",
        "schema": "rag",
        "usecase": str(ROOT / "usecase.yml"),
        "experiment": "quality",
    }
    return result | {"llm": "quotes", "pin": "false", "questions": "0", "run_id": "", "endpoint": ""} | changed


@pytest.mark.parametrize(("asked", "count"), [("0", 60), ("2", 2), ("7", 7)])
def test_questions_of_both_kinds_are_asked(asked: str, count: int) -> None:
    questions = ReleaseParameters.read(given(questions=asked)).asked()
    assert len(questions) == count and {one.answerable for one in questions} == {True, False}


def test_there_is_an_index_to_release_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=f"no index at {tmp_path}/.*: run the refresh job first") as raised:
        check_release(given())
    assert "\n" not in str(raised.value)
    index = index_root(Workspace("spark_catalog", "rag"))
    PublishedIndex(index).write_pointer(Pointer(generation="000001-aaaaaaaa", fingerprint="f"))
    check_release(given())


def test_a_release_goes_on_where_prompts_cannot_be_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    off = SwitchedOff("prompt main.rag.cite: MLflow's prompt registry is switched off here")

    def register(self: PromptRegistry, template: object) -> Registered:
        raise off

    monkeypatch.setattr(PromptRegistry, "register", register)
    monkeypatch.setattr(ReleaseParameters, "experiment_id", "1")
    heard: list[str] = []
    assert ReleaseParameters.read(given()).registered_prompts(heard.append) == []
    assert heard == [f"{off}. The release goes on without versions of its prompts"]


@pytest.fixture
def in_a_workspace(monkeypatch: pytest.MonkeyPatch) -> list[ChainConfiguration]:
    """Where the release finds host, experiment and the logged chain; what rights were asked for."""
    asked: list[ChainConfiguration] = []
    monkeypatch.setattr(ReleaseParameters, "experiment_id", "17")
    monkeypatch.setattr(ReleaseParameters, "logged", lambda self: Logged("models:/m-1", "run", "digest"))
    host = SimpleNamespace(config=SimpleNamespace(host="https://workspace.example"))
    monkeypatch.setattr(release, "workspace_client", lambda: host)
    monkeypatch.setattr(release, "check_rights", lambda who, configuration, *rest: asked.append(configuration))
    monkeypatch.setattr(
        release, "find_identity", lambda workspace, host: Identity(workspace.secret_scope, host, "id", "secret")
    )
    return asked


def test_an_endpoint_reads_as_its_principal_and_leaves_traces(in_a_workspace: list[ChainConfiguration]) -> None:
    wanted = ReleaseParameters.read(
        given(endpoint="ragops-prod", managers="ragops-admins", callers="ragops-callers, me@example.com,")
    )
    settings = wanted.endpoint_settings()
    assert settings is not None and (settings.managers, settings.callers) == (
        ("ragops-admins",),
        ("ragops-callers", "me@example.com"),
    )
    assert settings.environment_vars == {
        "ENABLE_MLFLOW_TRACING": "true",
        "MLFLOW_EXPERIMENT_ID": "17",
        "DATABRICKS_HOST": "https://workspace.example",
        "DATABRICKS_CLIENT_ID": "{{secrets/ragops-spark_catalog/endpoint-client-id}}",
        "DATABRICKS_CLIENT_SECRET": "{{secrets/ragops-spark_catalog/endpoint-client-secret}}",
    }
    assert in_a_workspace == [wanted.configuration()]
    assert ReleaseParameters.read(given()).endpoint_settings() is None


def test_a_chain_that_follows_the_index_needs_a_principal(
    in_a_workspace: list[ChainConfiguration], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "find_identity", lambda workspace, host: None)
    wanted = ReleaseParameters.read(given(endpoint="ragops-prod"))
    with pytest.raises(
        UserError, match="serving endpoint ragops-prod: .* into scope ragops-spark_catalog, as endpoint-"
    ):
        wanted.endpoint_settings()
    pinned = Logged("models:/m-1", "run", "digest", pinned=True)
    monkeypatch.setattr(ReleaseParameters, "logged", lambda self: pinned)
    settings = wanted.endpoint_settings()
    assert settings is not None and settings.environment_vars.keys() == {
        "ENABLE_MLFLOW_TRACING",
        "MLFLOW_EXPERIMENT_ID",
    }


@pytest.mark.parametrize("asked", ["1", "-1", "many"])
def test_a_wrong_number_of_questions(asked: str) -> None:
    with pytest.raises(UserError, match=f"parameter questions is '{asked}': ") as raised:
        check_release(given(questions=asked))
    assert "\n" not in str(raised.value)
