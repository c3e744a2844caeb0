"""One Spark Connect server with Delta for all integration tests, also across the workers of pytest-xdist."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from localbundle.guard import guarded
from localbundle.processes import new_owner
from localbundle.server import Server


@dataclass(frozen=True)
class WorkspaceServer:
    """A running server of a workspace of the tests' own: what a task finds in its environment, and new sessions."""

    home: Path
    environment: Mapping[str, str]
    new_session: Callable[[], SparkSession]


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
