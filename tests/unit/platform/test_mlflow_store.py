"""MLflow's store, and experiments: found under every spelling of their path, created once."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from localbundle.workspace.server import Server
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    NOT_FOUND,
    PERMISSION_DENIED,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    TEMPORARILY_UNAVAILABLE,
)
from sqlalchemy.exc import OperationalError

from ragops.errors import NotPermitted, UserError
from ragops.platform.mlflow_store import answering, mlflow_artifacts, open_experiment, use_mlflow


@pytest.fixture
def uris(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The URIs that MLflow is given; undone after the test."""
    import mlflow

    given: dict[str, str] = {}
    for name in (
        "TRACKING_URI",
        "REGISTRY_URI",
        "DISABLE_TELEMETRY",
        "SQLALCHEMYSTORE_POOLCLASS",
        "ENABLE_ARTIFACTS_PROGRESS_BAR",
    ):
        monkeypatch.setenv(f"MLFLOW_{name}", "")
    monkeypatch.setattr(mlflow, "set_tracking_uri", lambda uri: given.update(tracking=uri))
    monkeypatch.setattr(mlflow, "set_registry_uri", lambda uri: given.update(registry=uri))
    return given


def test_on_a_laptop_mlflow_is_in_the_local_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uris: dict[str, str]
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    created: list[tuple[Path, str | None]] = []
    # A real database takes seconds; every integration test of MLflow creates one.
    monkeypatch.setattr("ragops.platform.mlflow_store._create_database", lambda *given: created.append(given))
    use_mlflow()
    assert created == [(tmp_path / "mlflow" / "mlflow.db", mlflow_artifacts())]
    file = f"sqlite:///{tmp_path}/mlflow/mlflow.db"
    assert uris == {"tracking": file, "registry": file}
    assert (os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_REGISTRY_URI"]) == (file, file)
    assert os.environ["MLFLOW_SQLALCHEMYSTORE_POOLCLASS"] == "NullPool"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert mlflow_artifacts() == f"file://{tmp_path}/mlflow/artifacts"


def test_a_local_job_and_a_command_use_the_same_mlflow_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uris: dict[str, str]
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setattr("ragops.platform.mlflow_store._create_database", lambda file, artifacts: None)
    environment = Server(tmp_path).environment()
    monkeypatch.setenv("LOCALBUNDLE_HOME", environment["LOCALBUNDLE_HOME"])
    use_mlflow()
    own = {name: value for name, value in environment.items() if name.startswith("MLFLOW_")}
    assert own == {name: os.environ[name] for name in own} and len(own) == 5


def test_on_databricks_mlflow_is_the_platform_s(monkeypatch: pytest.MonkeyPatch, uris: dict[str, str]) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    use_mlflow()
    assert uris == {"tracking": "databricks", "registry": "databricks-uc"}
    assert mlflow_artifacts() is None


def test_on_databricks_an_experiment_is_opened_without_sqlalchemy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serverless compute ships mlflow-skinny, which brings no database."""
    asked: list[str] = []

    class Client:
        def get_experiment_by_name(self, name: str) -> None:
            asked.append(name)
            raise MlflowException("no answer from the workspace")

    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    monkeypatch.setitem(sys.modules, "sqlalchemy.exc", None)
    monkeypatch.setattr("mlflow.MlflowClient", Client)
    monkeypatch.setattr("ragops.platform.mlflow_store.use_mlflow", lambda target: None)
    with pytest.raises(UserError, match="experiment quality: MLflow refuses"):
        open_experiment("quality")
    assert asked == ["quality"]


class Experiments:
    """MLflow's client of a workspace, which stores paths without /Workspace.

    Attributes:
        kept: the stored paths.

    Args:
        found: the spelling under which it finds them: "short", "long", "both" or "neither".
        error: the error code for a path that it does not find; None: it returns None.
    """

    def __init__(self, found: str, error: int | None = None, kept: tuple[str, ...] = ()) -> None:
        self._found, self._error, self.kept = found, error, list(kept)

    def get_experiment_by_name(self, name: str) -> SimpleNamespace | None:
        is_long = name.startswith("/Workspace/")
        if self._found in ("both", "long" if is_long else "short") and _short(name) in self.kept:
            return SimpleNamespace(experiment_id=f"id of {_short(name)}", artifact_location="dbfs:/")
        if self._error is not None:
            raise MlflowException(f"nothing at {name}", self._error)
        return None

    def create_experiment(self, name: str, artifacts: str | None) -> str:
        if _short(name) in self.kept:
            raise MlflowException(f"Node named {name} already exists", RESOURCE_ALREADY_EXISTS)
        self.kept.append(_short(name))
        return f"id of {_short(name)}"


def _short(name: str) -> str:
    return name.removeprefix("/Workspace")


def opened(client: object, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The experiment on Databricks, whose client this is."""
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5")
    monkeypatch.setattr("mlflow.MlflowClient", lambda: client)
    monkeypatch.setattr("mlflow.set_experiment", lambda experiment_id: None)
    monkeypatch.setattr("ragops.platform.mlflow_store.use_mlflow", lambda target: None)
    return open_experiment(name)


WRITTEN = pytest.mark.parametrize(
    "name", ["/Workspace/Users/me/quality", "/Users/me/quality", "/Users/me/quality/", "/Workspace/Users/me/quality/"]
)


@WRITTEN
@pytest.mark.parametrize("found", ["short", "long", "both"])
@pytest.mark.parametrize(
    "error", [None, NOT_FOUND, RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE, PERMISSION_DENIED]
)
def test_an_experiment_is_found_under_every_spelling_of_its_path(
    name: str, found: str, error: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Experiments(found, error, kept=("/Users/me/quality",))
    assert opened(client, name, monkeypatch) == "id of /Users/me/quality"
    assert client.kept == ["/Users/me/quality"]


@WRITTEN
@pytest.mark.parametrize("error", [None, NOT_FOUND, RESOURCE_DOES_NOT_EXIST])
def test_a_new_experiment_is_created_once(name: str, error: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Experiments("short", error)
    assert opened(client, name, monkeypatch) == opened(client, name, monkeypatch) == "id of /Users/me/quality"
    assert client.kept == ["/Users/me/quality"]


def test_an_experiment_that_another_client_just_created_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    client, looks = Experiments("both", kept=("/Users/me/quality",)), list[str]()
    really = client.get_experiment_by_name

    def late(name: str) -> SimpleNamespace | None:
        looks.append(name)
        return really(name) if len(looks) > 2 else None

    monkeypatch.setattr(client, "get_experiment_by_name", late)
    assert opened(client, "/Users/me/quality", monkeypatch) == "id of /Users/me/quality"


def test_a_path_without_permission_is_reported_with_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotPermitted, match="needs CAN EDIT on experiment /Users/other/quality "):
        opened(Experiments("both", PERMISSION_DENIED), "/Users/other/quality", monkeypatch)


def test_a_path_taken_by_something_else_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="experiment /Users/me/quality: MLflow refuses .*already exists") as raised:
        opened(Experiments("neither", kept=("/Users/me/quality",)), "/Users/me/quality", monkeypatch)
    assert "\n" not in str(raised.value)


LOCKED = "(sqlite3.OperationalError) database is locked\n[SQL: SELECT experiments FROM experiments]\n(Background)"


@pytest.mark.parametrize(
    "error", [MlflowException(LOCKED, TEMPORARILY_UNAVAILABLE), OperationalError("SELECT 1", {}, Exception(LOCKED))]
)
def test_a_locked_store_is_reported_in_one_line(error: Exception) -> None:
    """By whatever call meets it, and never with the advice to remove it."""
    with pytest.raises(UserError, match="model m: MLflow's store is locked") as raised, answering("R", "model m"):
        raise error
    assert "\n" not in str(raised.value) and "SQL:" not in str(raised.value) and "remove" not in str(raised.value)


def test_other_errors_of_a_store_pass_through() -> None:
    with pytest.raises(MlflowException, match="there is none"), answering("R", "model m"):
        raise MlflowException("there is none", RESOURCE_DOES_NOT_EXIST)
    with pytest.raises(NotPermitted, match="needs R on model m"), answering("R", "model m"):
        raise MlflowException("no", PERMISSION_DENIED)


def test_a_damaged_file_is_refused_before_mlflow_tries_to_open_it_for_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uris: dict[str, str]
) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    file = tmp_path / "mlflow" / "mlflow.db"
    file.parent.mkdir()
    file.write_bytes(b"no database" * 100)
    with pytest.raises(UserError, match=r"mlflow\.db is damaged: restore it from a copy, or remove it"):
        use_mlflow()
    assert not uris
