"""The job release's parameters: a release that cannot succeed is refused before anything starts."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ragops.answers.prompts.registry import PromptRegistry, Registered, SwitchedOff
from ragops.corpus.index.generations.pointer import Pointer
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.jobs import release
from ragops.jobs.release import (
    PromoteParameters,
    RegisterParameters,
    chain_configuration,
    check_release,
    configuration_to_log,
    endpoint_settings,
    evaluation_sample,
    register_prompts,
)
from ragops.platform.workspace import Workspace
from ragops.serving.endpoint.principal import Identity
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.log_model import Logged

ROOT = Path(__file__).parents[3]


LOGGED = Logged("models:/m-1", "run", "digest")


def given(**changed: str) -> dict[str, str]:
    result = {
        "catalog": "spark_catalog",
        "schema": "rag",
        "usecase": str(ROOT / "usecase.yml"),
        "experiment": "quality",
    }
    return result | {"llm": "quotes", "pin": "false", "questions": "0", "run_id": "", "endpoint": ""} | changed


@pytest.mark.parametrize(("asked", "count"), [("0", 60), ("2", 2), ("7", 7)])
def test_the_sample_has_answerable_and_unanswerable_questions(asked: str, count: int) -> None:
    parameters = PromoteParameters.read(given(questions=asked))
    questions = evaluation_sample(parameters.use_case, parameters.questions)
    assert len(questions) == count and {one.answerable for one in questions} == {True, False}


def test_a_release_needs_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=f"no index at {tmp_path}/") as raised:
        check_release(given())
    assert "\n" not in str(raised.value)
    index = index_root(Workspace("spark_catalog", "rag"))
    PublishedIndex(index).write_pointer(Pointer(generation="000001-aaaaaaaa", fingerprint="f"))
    check_release(given())


def test_a_release_continues_without_a_prompt_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    off = SwitchedOff("prompt main.rag.cite: MLflow's prompt registry is switched off here")

    def register(self: PromptRegistry, template: object) -> Registered:
        raise off

    monkeypatch.setattr(PromptRegistry, "register", register)
    monkeypatch.setattr(RegisterParameters, "experiment_id", "1")
    notes: list[str] = []
    parameters = RegisterParameters.read(given())
    assert register_prompts(parameters, configuration_to_log(parameters), notes.append) == []
    assert len(notes) == 1 and notes[0].startswith(str(off))


@pytest.fixture
def in_a_workspace(monkeypatch: pytest.MonkeyPatch) -> list[ChainConfiguration]:
    """A host and an experiment for the release; the result lists the configurations whose rights were checked."""
    checked: list[ChainConfiguration] = []
    monkeypatch.setattr(PromoteParameters, "experiment_id", "17")
    host = SimpleNamespace(config=SimpleNamespace(host="https://workspace.example"))
    monkeypatch.setattr(release, "workspace_client", lambda: host)
    monkeypatch.setattr(release, "check_rights", lambda who, configuration, *rest: checked.append(configuration))
    monkeypatch.setattr(
        release, "find_identity", lambda workspace, host: Identity(workspace.secret_scope, host, "id", "secret")
    )
    return checked


def test_an_endpoint_gets_credentials_traces_and_permissions(in_a_workspace: list[ChainConfiguration]) -> None:
    wanted = PromoteParameters.read(
        given(endpoint="ragops-prod", managers="ragops-admins", callers="ragops-callers, me@example.com,")
    )
    settings = endpoint_settings(wanted, LOGGED)
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
    assert in_a_workspace == [chain_configuration(wanted)]
    assert endpoint_settings(PromoteParameters.read(given()), LOGGED) is None


def test_a_chain_that_contains_its_index_needs_no_right_on_the_index(
    in_a_workspace: list[ChainConfiguration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The logged run says whether the index is inside; the task has no parameter for it."""
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    index = index_root(Workspace("spark_catalog", "rag"))
    PublishedIndex(index).write_pointer(Pointer(generation="000001-aaaaaaaa", fingerprint="f"))
    pinned = Logged("models:/m-1", "run", "digest", pinned=True)
    endpoint_settings(PromoteParameters.read(given(endpoint="ragops-prod")), pinned)
    assert [one.pinned for one in in_a_workspace] == ["000001-aaaaaaaa"]


def test_a_chain_that_follows_the_index_needs_a_service_principal(
    in_a_workspace: list[ChainConfiguration], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "find_identity", lambda workspace, host: None)
    wanted = PromoteParameters.read(given(endpoint="ragops-prod"))
    with pytest.raises(UserError, match="serving endpoint ragops-prod: .* scope ragops-spark_catalog as endpoint-"):
        endpoint_settings(wanted, LOGGED)
    pinned = Logged("models:/m-1", "run", "digest", pinned=True)
    settings = endpoint_settings(wanted, pinned)
    assert settings is not None and settings.environment_vars.keys() == {
        "ENABLE_MLFLOW_TRACING",
        "MLFLOW_EXPERIMENT_ID",
    }


@pytest.mark.parametrize("asked", ["1", "-1", "many"])
def test_an_invalid_number_of_questions_is_refused(asked: str) -> None:
    with pytest.raises(UserError, match=f"parameter questions is '{asked}': ") as raised:
        check_release(given(questions=asked))
    assert "\n" not in str(raised.value)
