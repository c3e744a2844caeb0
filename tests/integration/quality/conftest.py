"""What answers, verdicts, labels and judgments are written to: the ledger volume, and MLflow's traces."""

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from ragops.platform.mlflow_store import open_experiment
from ragops.platform.workspace import LEDGER, Workspace


@pytest.fixture
def ledger(workspace: Workspace, home: Path) -> Path:
    return workspace.volume(LEDGER)


@pytest.fixture
def traced(home: Path) -> Iterator[None]:
    open_experiment("quality")  # before tracing, which opens the store that this process used last
    mlflow.tracing.enable()
    yield
    mlflow.tracing.disable()
