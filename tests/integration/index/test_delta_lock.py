"""The publish lock of a workspace, on a real Delta table: owners on several machines, of which some sleep or die."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ragops.errors import UserError
from ragops.index.housekeeping import collect_garbage, list_generations, move_pointer, rollback
from ragops.index.locks.delta import LOCKS, DeltaLock
from ragops.index.pointer import Pointer
from ragops.index.publish import publish
from ragops.index.published import PublishedIndex
from ragops.index.reader import IndexReader
from ragops.index.store import row_hashes
from ragops.workspace import Workspace
from tests.support.locks import lock_of

NEVER = 1e9
Lock = Callable[..., DeltaLock]
Row = Callable[[], Mapping[str, object]]


@pytest.fixture(scope="module")
def workspace(spark_environment: Mapping[str, str]) -> Iterator[Workspace]:
    """One schema for all tests of this module, each of which has an index of its own: making a table takes seconds."""
    place = Workspace("spark_catalog", f"test_{uuid.uuid4().hex[:12]}")
    place.create_schema()
    yield place
    place.spark.sql(f"DROP SCHEMA `{place.catalog}`.`{place.schema}` CASCADE")


@pytest.fixture(scope="module")
def machines(workspace: Workspace, workspace_server: Any) -> Iterator[Sequence[Workspace]]:
    """Other machines: the same schema in sessions of their own."""
    with ExitStack() as sessions:

        def opened() -> Workspace:
            place, session = Workspace(workspace.catalog, workspace.schema), workspace_server.new_session()
            sessions.callback(session.stop)
            place.__dict__["spark"] = session  # what the property would keep
            return place

        yield [opened() for _ in range(3)]


@pytest.fixture
def other(machines: Sequence[Workspace]) -> Workspace:
    return machines[0]


@pytest.fixture
def lock(root: Path) -> Lock:
    """Makes the lock of this test's index on a machine."""

    def made(place: Workspace, silence: float = NEVER, renewal: float = NEVER) -> DeltaLock:
        return DeltaLock(place, str(root), renewal, silence)

    return made


@pytest.fixture
def row(workspace: Workspace, root: Path) -> Row:
    """Reads the row of this test's index."""

    def read() -> Mapping[str, object]:
        (found,) = workspace.spark.table(workspace.table(LOCKS.name)).where(f"index_name = '{root}'").collect()
        return found.asDict()

    return read


def test_held_then_free(workspace: Workspace, lock: Lock, row: Row) -> None:
    own = lock(workspace)
    with own.held("run 1") as hold:
        hold.check()
        assert hold.recorded() is None
        assert (hold.reserve(1), hold.reserve(1), hold.reserve(7)) == (1, 2, 7)
        hold.record('{"generation": "x"}')
        assert json.loads(str(row()["owner"]))["run_id"] == "run 1"
    assert row()["token"] == ""
    with own.held("run 2") as hold:
        assert hold.recorded() == '{"generation": "x"}'
        assert hold.reserve(3) == 8


def test_of_many_machines_one_wins(workspace: Workspace, machines: Sequence[Workspace], lock: Lock) -> None:
    """All find the lock free and commit at once; the table decides. Each loser is told of the winner."""
    with lock(workspace).held("first"):
        pass
    places, ready, release = [workspace, *machines], threading.Barrier(4), threading.Event()

    def enter(place: Workspace) -> bool:
        ready.wait()
        try:
            with lock(place).held("run"):
                release.wait()
            return True
        except UserError as error:
            assert "is being published by" in str(error)
            return False

    with ThreadPoolExecutor(4) as pool:
        entered = [pool.submit(enter, place) for place in places]
        while sum(one.done() for one in entered) < 3:
            threading.Event().wait(0.05)
        release.set()
    assert sum(one.result() for one in entered) == 1


def test_an_owner_that_is_silent_is_taken_over_and_finds_out(
    workspace: Workspace, other: Workspace, lock: Lock, row: Row
) -> None:
    """And does not give up the lock of its successor when it ends."""
    with ExitStack() as successor:
        with lock(workspace).held("sleeper") as sleeper:
            hold = successor.enter_context(lock(other, silence=0.0).held("next"))
            number = hold.reserve(1)
            told = "index .*: the publish lock was taken over by .*, run next, since .*; nothing of this run is live"
            for attempt in (lambda: sleeper.record("{}"), lambda: sleeper.reserve(1), sleeper.check):
                with pytest.raises(UserError, match=told):
                    attempt()
            assert hold.recorded() is None and hold.reserve(1) == number + 1
        assert row()["token"] != ""
    assert row()["token"] == ""


def test_an_owner_that_renews_is_not_taken_over_however_clocks_differ(
    workspace: Workspace, other: Workspace, lock: Lock, row: Row
) -> None:
    """Only renewals count: the contender is as patient as it takes to see two of them."""
    with lock(workspace, renewal=0.1).held("alive") as hold:
        before = int(str(row()["renewals"]))
        with pytest.raises(UserError, match="run alive"), lock(other, silence=60.0).held("next", wait_seconds=3.0):
            pass
        assert int(str(row()["renewals"])) > before
        hold.record("{}")


def test_a_renewal_notices_the_loss(workspace: Workspace, other: Workspace, lock: Lock) -> None:
    with (
        lock(workspace, renewal=0.05).held("sleeper") as sleeper,
        lock(other, silence=0.0).held("next"),
        pytest.raises(UserError, match="taken over by .*, run next"),
    ):
        while True:
            sleeper.check()


def test_two_machines_publish_and_one_sleeps_before_it_moves_the_pointer(
    workspace: Workspace, corpus: ModuleType, root: Path, tmp_path: Path, other: Workspace, lock: Lock
) -> None:
    """It comes back with a generation that nobody asked for: its own is removed, the other's stays live."""
    publish(root, corpus.source(corpus.BEFORE), lock=lock_of(root), run_id="first", work_directory=tmp_path / "a")
    index = PublishedIndex(root)

    def overtaken() -> None:
        if index.find_pointer().generation == "000001-abababab":  # type: ignore[union-attr]
            source = corpus.source(corpus.AFTER)
            publish(root, source, lock=lock(other, silence=0.0), run_id="next", work_directory=tmp_path / "b")

    sleepy = corpus.source(corpus.BEFORE[:50], while_fetching=overtaken)
    with pytest.raises(UserError, match="taken over by .*, run next, since .*; nothing of this run is live"):
        publish(root, sleepy, lock=lock(workspace), run_id="sleeper", work_directory=tmp_path / "a")
    assert [one.name for one in list_generations(root)] == ["000001-abababab", "000002-abababab"] or [
        one.name for one in list_generations(root)
    ] == ["000001-abababab", "000003-abababab"]
    reader = IndexReader(root)
    assert row_hashes(reader.generation().store) == corpus.source(corpus.AFTER).rows()
    reader.close()


def test_a_sleeper_that_overwrites_the_pointer_puts_it_right_itself(
    workspace: Workspace, corpus: ModuleType, root: Path, tmp_path: Path, other: Workspace, lock: Lock
) -> None:
    """It sleeps between its commit and its write, while another machine publishes."""
    for end in (60, 61):
        source = corpus.source(corpus.entry(number) for number in range(end))
        publish(root, source, lock=lock_of(root), run_id="first", work_directory=tmp_path / "a")
    index = PublishedIndex(root)
    old = Pointer.to(index.manifest("000001-abababab"), index.manifest("000002-abababab"))
    really = index.write_pointer

    def slept(pointer: Pointer) -> None:
        if pointer == old:
            source = corpus.source(corpus.AFTER)
            publish(root, source, lock=lock(other, silence=0.0), run_id="next", work_directory=tmp_path / "b")
        really(pointer)

    index.write_pointer = slept  # type: ignore[method-assign]
    with lock(workspace).held("rollback") as hold, pytest.raises(UserError, match="taken over by .* run next"):
        move_pointer(index, old, hold)
    assert index.pointer().generation == "000003-abababab"


def test_a_pointer_that_a_dead_sleeper_overwrote_is_put_right_by_the_next_owner(
    workspace: Workspace, corpus: ModuleType, root: Path, tmp_path: Path, lock: Lock
) -> None:
    source = corpus.source(corpus.BEFORE)
    publish(root, source, lock=lock_of(root), run_id="first", work_directory=tmp_path / "a")
    report = publish(root, corpus.source(corpus.AFTER), lock=lock(workspace), run_id="x", work_directory=tmp_path / "a")
    index = PublishedIndex(root)
    right = index.pointer()
    assert right.generation == report.generation
    index.write_pointer(Pointer.to(index.manifest("000001-abababab"), None))
    with lock(workspace).held("next") as hold:
        index.repair_pointer(hold.recorded())
    assert index.pointer() == right


def test_what_a_sleeper_began_is_left_to_it_for_a_day(
    workspace: Workspace, corpus: ModuleType, root: Path, tmp_path: Path, lock: Lock
) -> None:
    publish(root, corpus.source(corpus.BEFORE), lock=lock_of(root), run_id="first", work_directory=tmp_path / "a")
    begun = root / "generations" / "000002-abababab" / "chroma"
    begun.mkdir(parents=True)
    (begun / "chroma.sqlite3").write_bytes(b"half")
    report = publish(
        root, corpus.source(corpus.AFTER), lock=lock(workspace), run_id="next", work_directory=tmp_path / "a"
    )
    assert report.generation == "000003-abababab" and begun.is_dir()
    PublishedIndex(root).remove_unfinished(timedelta(0))
    assert not begun.exists()


def test_rollback_and_gc_take_the_same_lock(
    workspace: Workspace, corpus: ModuleType, root: Path, tmp_path: Path, other: Workspace, lock: Lock
) -> None:
    own = lock(workspace)
    for end in (60, 61, 62):
        source = corpus.source(corpus.entry(number) for number in range(end))
        publish(root, source, lock=lock_of(root), run_id="first", work_directory=tmp_path / "a")
    with lock(other).held("publisher"):
        for attempt in (rollback, collect_garbage):
            told = r"index .* is being published by .*@.* pid \d+, run publisher, since \d{4}-.*: try again after it"
            with pytest.raises(UserError, match=told):
                attempt(root, lock=own, run_id="by hand")
    assert rollback(root, lock=own, run_id="by hand").generation == "000002-abababab"
    assert collect_garbage(root, 1, lock=own, run_id="by hand") == ["000001-abababab"]
