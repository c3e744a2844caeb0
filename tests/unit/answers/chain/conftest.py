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
def traced(migrated: Path, tmp_path: Path) -> Iterator[None]:
    """The store is set before tracing is enabled, since a trace provider keeps the store it was created with."""
    database = shutil.copy(migrated, tmp_path / "mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{database}")
    mlflow.tracing.enable()
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("e", artifact_location=tmp_path.as_uri()))
    yield
    mlflow.tracing.disable()
