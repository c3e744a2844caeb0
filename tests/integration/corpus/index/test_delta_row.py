"""The lock's row in a real Delta table: commits of several machines succeed or conflict."""

import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from ragops.corpus.index.locks.delta_row import LOCKS, DeltaRow, RowState
from ragops.corpus.index.locks.lease import LeaseLock
from ragops.errors import UserError
from ragops.platform.workspace import Workspace

_MACHINES = 3


@pytest.fixture(scope="module")
def machines(spark_environment: Mapping[str, str], workspace_server: Any) -> Iterator[Sequence[Workspace]]:
    """One schema opened by several machines, each with its own session."""
    schema = f"test_{uuid.uuid4().hex[:12]}"
    with ExitStack() as sessions:

        def opened() -> Workspace:
            workspace, session = Workspace("spark_catalog", schema), workspace_server.new_session()
            sessions.callback(session.stop)
            workspace.__dict__["spark"] = session  # what the property would keep
            return workspace

        workspaces = [opened() for _ in range(_MACHINES)]
        workspaces[0].create_schema()
        yield workspaces
        workspaces[0].spark.sql(f"DROP SCHEMA `spark_catalog`.`{schema}` CASCADE")


def test_one_of_many_machines_gets_the_lock(machines: Sequence[Workspace]) -> None:
    """All create the table, find the lock free and commit at once. The errors name the owner."""
    ready, release = threading.Barrier(_MACHINES), threading.Event()

    def enter(workspace: Workspace) -> bool:
        ready.wait()
        try:
            with LeaseLock(DeltaRow(workspace, "passages"), renewal=1.0).hold("run"):
                release.wait()
            return True
        except UserError as error:
            assert "index passages is locked by" in str(error)
            return False

    with ThreadPoolExecutor(_MACHINES) as pool:
        entered = [pool.submit(enter, workspace) for workspace in machines]
        while sum(one.done() for one in entered) < _MACHINES - 1:
            threading.Event().wait(0.05)
        release.set()
    assert sum(one.result() for one in entered) == 1
    table = machines[0].table(LOCKS.name)
    (row,) = machines[0].spark.table(table).collect()
    assert (row["index_name"], row["token"]) == ("passages", "")


def test_a_row_changes_only_if_it_is_as_found(machines: Sequence[Workspace]) -> None:
    """And keeps the quotes and backslashes of JSON and of its name."""
    one, other = (DeltaRow(workspace, "it's \\ an index") for workspace in machines[:2])
    one.make()
    found = one.read()
    assert found == RowState()
    assert one.change(found, token="t1", owner='{"user": "o\'hara"}')
    assert not other.change(found, token="t2")
    assert not other.change_own("t2", pointer="x")
    assert one.change_own("t1", pointer='{"a": "b\\\\c\'d"}', last_number=7, condemned="x y")
    assert other.read() == RowState("t1", '{"user": "o\'hara"}', 2, 7, '{"a": "b\\\\c\'d"}', "x y")
    assert one.change_own("t1")
    assert other.read().renewals == 3
