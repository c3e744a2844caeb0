"""MLflow on SQLite: one migrated database a session, copied for each test, since making one takes seconds."""

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ragops.workspace import use_mlflow


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("migrated")
    with pytest.MonkeyPatch.context() as patch:
        _at(home, patch)
        use_mlflow()
        MlflowClient()
    return home / "mlflow" / "mlflow.db"


@pytest.fixture
def client(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    (tmp_path / "mlflow").mkdir()
    shutil.copy(migrated, tmp_path / "mlflow")
    _at(tmp_path, monkeypatch)
    use_mlflow()
    return MlflowClient()


def _at(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    patch.setenv("LOCALBUNDLE_HOME", str(home))
    for name in ("TRACKING_URI", "REGISTRY_URI", "DISABLE_TELEMETRY", "SQLALCHEMYSTORE_POOLCLASS"):
        patch.setenv(f"MLFLOW_{name}", "")  # so that what use_mlflow sets is taken back
