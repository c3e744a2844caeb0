"""For all integration tests: one Spark Connect server with Delta, also across the workers of pytest-xdist; and MLflow
on SQLite, one migrated database a session, copied for each test, since making one takes seconds.
"""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest
from localbundle.workspace.cleanup_guard import guarded
from localbundle.workspace.processes import new_owner
from localbundle.workspace.server import Server
from mlflow import MlflowClient
from pyspark.sql import SparkSession

from ragops.platform.mlflow_store import use_mlflow
from ragops.platform.workspace import Workspace
from tests.support.long_first import longest_first
from tests.support.strict_volumes import strict_volumes

LONG = (
    *("test_slices", "test_explore", "test_stage", "test_run", "test_resolution", "test_batch_kills", "test_races"),
    *("test_server", "test_lab"),
)
"""Files that take longest, longest first: begun last, one of them would run alone while the other core is idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; pytest-xdist keeps the order with --no-loadscope-reorder."""
    longest_first(items, LONG)


@dataclass(frozen=True)
class WorkspaceServer:
    """A running server of a workspace of the tests' own: what a task finds in its environment, and new sessions."""

    home: Path
    environment: Mapping[str, str]
    new_session: Callable[[], SparkSession]


@pytest.fixture(autouse=True)
def _strict_volumes(tmp_path: Path) -> Iterator[None]:
    """The volumes of a workspace that a test makes in its own folder are as strict as real ones."""
    with strict_volumes(tmp_path / "Volumes"):
        yield


@pytest.fixture(scope="session")
def workspace_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[WorkspaceServer]:
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "workspace" / "test"
    server, owner = Server(home), new_owner()
    with guarded(home, owner):
        state = server.use(lambda note: None, owner=owner)
        yield WorkspaceServer(
            home, server.environment(state), lambda: SparkSession.builder.remote(state.remote).create()
        )
        server.release()


@pytest.fixture(scope="session")
def spark(workspace_server: WorkspaceServer) -> Iterator[SparkSession]:
    session = workspace_server.new_session()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def spark_environment(workspace_server: WorkspaceServer) -> Iterator[Mapping[str, str]]:
    """What a task finds in its environment, for library code that asks there for its place and session."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in workspace_server.environment.items():
            patch.setenv(name, value)
        with strict_volumes(workspace_server.home / "Volumes"):
            yield workspace_server.environment
        # While the server still answers: a session left open would wait minutes for one that is gone.
        SparkSession.builder.getOrCreate().stop()


@pytest.fixture
def workspace(spark_environment: Mapping[str, str]) -> Iterator[Workspace]:
    """A schema of the test's own."""
    with new_schema() as place:
        yield place


@pytest.fixture(scope="module")
def shared_workspace(spark_environment: Mapping[str, str]) -> Iterator[Workspace]:
    """A schema of the module's tests, for tables that are made once."""
    with new_schema() as place:
        yield place


@contextmanager
def new_schema() -> Iterator[Workspace]:
    place = Workspace("spark_catalog", f"test_{uuid.uuid4().hex[:12]}")
    place.create_schema()
    yield place
    place.spark.sql(f"DROP SCHEMA `{place.catalog}`.`{place.schema}` CASCADE")


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
    mlflow.set_experiment(experiment_id="0")  # an earlier test's is not in this database
    return MlflowClient()


@pytest.fixture
def home(workspace: Workspace, client: MlflowClient, tmp_path: Path) -> Path:
    """A local workspace of the test's own with its schema deployed, on the Spark server of all.

    In the server's own one, workers would overwrite each other's record, and wait for each other in MLflow's database.
    """
    schema = {"catalog_name": workspace.catalog, "name": workspace.schema}
    (tmp_path / "bundle.json").write_text(json.dumps({"variables": {}, "resources": {"schemas": {"rag": schema}}}))
    return tmp_path


def _at(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    patch.setenv("LOCALBUNDLE_HOME", str(home))
    for name in ("TRACKING_URI", "REGISTRY_URI", "DISABLE_TELEMETRY", "SQLALCHEMYSTORE_POOLCLASS"):
        patch.setenv(f"MLFLOW_{name}", "")  # so that what use_mlflow sets is taken back
