"""Experiments of a workspace: found whichever way their path is written, made once."""

import sys
from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    NOT_FOUND,
    PERMISSION_DENIED,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
)

from ragops.errors import NotPermitted, UserError
from ragops.platform.mlflow_store import open_experiment


def test_on_databricks_an_experiment_is_opened_without_sqlalchemy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serverless compute ships mlflow-skinny, which brings no database."""
    asked: list[str] = []

    class Client:
        def get_experiment_by_name(self, name: str) -> None:
            asked.append(name)
            raise MlflowException("the workspace does not answer")

    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    monkeypatch.setitem(sys.modules, "sqlalchemy.exc", None)
    monkeypatch.setattr("mlflow.MlflowClient", Client)
    monkeypatch.setattr("ragops.platform.mlflow_store.use_mlflow", lambda target: None)
    with pytest.raises(UserError, match="experiment quality: MLflow refuses"):
        open_experiment("quality")
    assert asked == ["quality"]


class Experiments:
    """MLflow's client of a workspace, which keeps paths without /Workspace; `found` says by which it finds them.

    `said` is what it answers for a path under which it finds nothing: None, or an error's code.
    """

    def __init__(self, found: str, said: int | None = None, kept: tuple[str, ...] = ()) -> None:
        self._found, self._said, self.kept = found, said, list(kept)

    def get_experiment_by_name(self, name: str) -> SimpleNamespace | None:
        is_long = name.startswith("/Workspace/")
        if self._found in ("both", "long" if is_long else "short") and _short(name) in self.kept:
            return SimpleNamespace(experiment_id=f"id of {_short(name)}", artifact_location="dbfs:/")
        if self._said is not None:
            raise MlflowException(f"nothing at {name}", self._said)
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
@pytest.mark.parametrize("said", [None, NOT_FOUND, RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE, PERMISSION_DENIED])
def test_an_experiment_is_found_whichever_way_its_path_is_written(
    name: str, found: str, said: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Experiments(found, said, kept=("/Users/me/quality",))
    assert opened(client, name, monkeypatch) == "id of /Users/me/quality"
    assert client.kept == ["/Users/me/quality"]


@WRITTEN
@pytest.mark.parametrize("said", [None, NOT_FOUND, RESOURCE_DOES_NOT_EXIST])
def test_a_new_experiment_is_made_once(name: str, said: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Experiments("short", said)
    assert opened(client, name, monkeypatch) == opened(client, name, monkeypatch) == "id of /Users/me/quality"
    assert client.kept == ["/Users/me/quality"]


def test_an_experiment_that_somebody_else_made_meanwhile_is_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    client, looks = Experiments("both", kept=("/Users/me/quality",)), list[str]()
    really = client.get_experiment_by_name

    def late(name: str) -> SimpleNamespace | None:
        looks.append(name)
        return really(name) if len(looks) > 2 else None

    monkeypatch.setattr(client, "get_experiment_by_name", late)
    assert opened(client, "/Users/me/quality", monkeypatch) == "id of /Users/me/quality"


def test_a_path_that_one_may_not_see_is_reported_with_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotPermitted, match="needs CAN EDIT on experiment /Users/other/quality "):
        opened(Experiments("both", PERMISSION_DENIED), "/Users/other/quality", monkeypatch)


def test_a_path_that_is_taken_by_something_else_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="experiment /Users/me/quality: MLflow refuses .*already exists") as raised:
        opened(Experiments("neither", kept=("/Users/me/quality",)), "/Users/me/quality", monkeypatch)
    assert "\n" not in str(raised.value)
