"""Tracing is disabled: MLflow would write into the current folder. Tests that inspect traces enable it."""

import mlflow
import pytest


@pytest.fixture(autouse=True, scope="session")
def _untraced() -> None:
    mlflow.tracing.disable()
