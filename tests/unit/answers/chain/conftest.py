"""Tracing into the test's own folder, with a database that is migrated once: MLflow needs a second for that."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("traces") / "mlflow.db"
    MlflowClient(f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture
def traced(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The store is set before tracing is enabled, since a trace provider keeps the store it was created with.

    Traces are written at once: MLflow's background thread wakes once a second.
    """
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    database = shutil.copy(migrated, tmp_path / "mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{database}")
    mlflow.tracing.enable()
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("e", artifact_location=tmp_path.as_uri()))
    yield
    mlflow.tracing.disable()
