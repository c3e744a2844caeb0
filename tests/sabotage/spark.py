"""A Spark server of a program's own, and what a task finds in its environment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from localbundle.workspace.cleanup_guard import guarded
from localbundle.workspace.processes import new_owner
from localbundle.workspace.server import Server
from pyspark.sql import SparkSession


@contextmanager
def own_server(home: Path) -> Iterator[None]:
    """Starts it in a new folder, and stops it."""
    home.mkdir(parents=True)
    server, owner = Server(home), new_owner()
    with guarded(home, owner), pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment(server.use(lambda note: None, owner=owner)).items():
            patch.setenv(name, value)
        yield
        SparkSession.builder.getOrCreate().stop()
        server.release()
