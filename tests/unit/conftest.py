"""Chains are traced only where a test looks at the trace: MLflow would write into the current folder."""

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest


@pytest.fixture(autouse=True, scope="session")
def _untraced() -> None:
    mlflow.tracing.disable()


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[None]:
    """Traces lie in the test's own folder; the store is chosen before anything is traced, or there are two."""
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.tracing.enable()
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("e", artifact_location=tmp_path.as_uri()))
    yield
    mlflow.tracing.disable()
