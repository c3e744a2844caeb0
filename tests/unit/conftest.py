"""Chains are traced only where a test looks at the trace: MLflow would write into the current folder."""

from collections.abc import Iterator

import mlflow
import pytest


@pytest.fixture(autouse=True, scope="session")
def _untraced() -> None:
    mlflow.tracing.disable()


@pytest.fixture
def traced() -> Iterator[None]:
    mlflow.tracing.enable()
    yield
    mlflow.tracing.disable()
