"""The publish lock of a workspace, on a real Delta table: owners on several machines, of which some sleep or die."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ragops.errors import UserError
from ragops.index.housekeeping import collect_garbage, list_generations, move_pointer, rollback
from ragops.index.locks.delta import LOCKS, DeltaLock
from ragops.index.pointer import Pointer
from ragops.index.publish import publish
from ragops.index.published import PublishedIndex
from ragops.index.reader import IndexReader
from ragops.index.store import row_hashes
from ragops.workspace import Workspace

NEVER = 1e9
Machine = Callable[[], Workspace]


@pytest.fixture
def machine(workspace: Workspace, workspace_server: Any) -> Iterator[Machine]:
    """Another machine: the same schema in a session of its own."""
    with ExitStack() as sessions:

        def opened() -> Workspace:
            place, session = Workspace(workspace.catalog, workspace.schema), workspace_server.new_session()
            sessions.callback(session.stop)
            place.__dict__["spark"] = session  # what the property would keep
            return place

        yield opened


def _lock(place: Workspace, silence: float = NEVER, renewal: float = NEVER) -> DeltaLock:
    return DeltaLock(place, "passages", renewal, silence)


def _row(workspace: Workspace) -> Mapping[str, object]:
    return workspace.spark.table(workspace.table(LOCKS.name)).collect()[0].asDict()


def test_held_then_free(workspace: Workspace) -> None:
    lock = _lock(workspace)
    with lock.held("run 1") as hold:
        hold.check()
        assert hold.recorded() is None
        assert (hold.reserve(1), hold.reserve(1), hold.reserve(7)) == (1, 2, 7)
        hold.record('{"generation": "x"}')
        assert json.loads(str(_row(workspace)["owner"]))["run_id"] == "run 1"
    assert _row(workspace)["token"] == ""
    with lock.held("run 2") as hold:
        assert hold.recorded() == '{"generation": "x"}'
        assert hold.reserve(3) == 8


def test_the_second_is_told_who_holds_it_and_since_when(workspace: Workspace, machine: Machine) -> None:
    told = (
        r"index passages is being published by .*@.* pid \d+, run run 1, since \d{4}-.*: try again after it; if it is"
    )
    with _lock(workspace).held("run 1"), pytest.raises(UserError, match=told), _lock(machine()).held("run 2"):
        pass
    with pytest.raises(KeyError), _lock(workspace).held("run 1"):
        raise KeyError
    with _lock(machine()).held("run 2"):
        pass


def test_of_many_machines_one_wins(workspace: Workspace, machine: Machine) -> None:
    """All find the lock free and commit at once; the table decides. Each loser is told of the winner."""
    with _lock(workspace).held("first"):
        pass
    places, ready, release = [machine() for _ in range(4)], threading.Barrier(4), threading.Event()

    def enter(place: Workspace) -> bool:
        ready.wait()
        try:
            with _lock(place).held("run"):
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


def test_an_owner_that_is_silent_is_taken_over_and_finds_out(workspace: Workspace, machine: Machine) -> None:
    with _lock(workspace).held("sleeper") as sleeper:
        with _lock(machine(), silence=0.0).held("next") as hold:
            number = hold.reserve(1)
            told = (
                "index passages: the publish lock was taken over by .*, run next, since .*; nothing of this run is live"
            )
            for attempt in (lambda: sleeper.record("{}"), lambda: sleeper.reserve(1), sleeper.check):
                with pytest.raises(UserError, match=told):
                    attempt()
            assert hold.recorded() is None and hold.reserve(1) == number + 1
        assert _row(workspace)["token"] == ""


def test_a_sleeper_does_not_give_up_the_lock_of_its_successor(workspace: Workspace, machine: Machine) -> None:
    with ExitStack() as successor:
        with _lock(workspace).held("sleeper"):
            successor.enter_context(_lock(machine(), silence=0.0).held("next"))
        assert _row(workspace)["token"] != ""


def test_an_owner_that_renews_is_not_taken_over_however_clocks_differ(workspace: Workspace, machine: Machine) -> None:
    """Only renewals count: the contender is as patient as it takes to see two of them."""
    with _lock(workspace, renewal=0.1).held("alive") as hold:
        before = int(str(_row(workspace)["renewals"]))
        with pytest.raises(UserError, match="run alive"), _lock(machine(), silence=60.0).held("next", wait_seconds=3.0):
            pass
        assert int(str(_row(workspace)["renewals"])) > before
        hold.record("{}")


def test_a_renewal_notices_the_loss(workspace: Workspace, machine: Machine) -> None:
    with _lock(workspace, renewal=0.05).held("sleeper") as sleeper:
        workspace.spark.sql(f"UPDATE {workspace.table(LOCKS.name)} SET token = 'another', owner = 'unknown'")
        with pytest.raises(UserError, match="taken over by another run"):
            while True:
                sleeper.check()


def test_two_machines_publish_and_one_sleeps_before_it_moves_the_pointer(
    workspace: Workspace, machine: Machine, corpus: ModuleType, root: Path, tmp_path: Path
) -> None:
    """It comes back with a generation that nobody asked for: its own is removed, the other's stays live."""
    publish(root, corpus.source(corpus.BEFORE), lock=_lock(workspace), run_id="first", work_directory=tmp_path / "a")
    other, index = machine(), PublishedIndex(root)

    def overtaken() -> None:
        if index.find_pointer().generation == "000001-abababab":  # type: ignore[union-attr]
            source = corpus.source(corpus.AFTER)
            publish(root, source, lock=_lock(other, silence=0.0), run_id="next", work_directory=tmp_path / "b")

    sleepy = corpus.source(corpus.BEFORE[:50], while_fetching=overtaken)
    with pytest.raises(UserError, match="taken over by .*, run next, since .*; nothing of this run is live"):
        publish(root, sleepy, lock=_lock(workspace), run_id="sleeper", work_directory=tmp_path / "a")
    assert [one.name for one in list_generations(root)] == ["000001-abababab", "000002-abababab"] or [
        one.name for one in list_generations(root)
    ] == ["000001-abababab", "000003-abababab"]
    reader = IndexReader(root)
    assert row_hashes(reader.generation().store) == corpus.source(corpus.AFTER).rows()
    reader.close()


def test_a_sleeper_that_overwrites_the_pointer_puts_it_right_itself(
    workspace: Workspace, machine: Machine, corpus: ModuleType, root: Path, tmp_path: Path
) -> None:
    """It sleeps between its commit and its write, while another machine publishes."""
    for end in (60, 61):
        source = corpus.source(corpus.entry(number) for number in range(end))
        publish(root, source, lock=_lock(workspace), run_id="first", work_directory=tmp_path / "a")
    index, other = PublishedIndex(root), machine()
    old = Pointer.to(index.manifest("000001-abababab"), index.manifest("000002-abababab"))
    really = index.write_pointer

    def slept(pointer: Pointer) -> None:
        if pointer == old:
            source = corpus.source(corpus.AFTER)
            publish(root, source, lock=_lock(other, silence=0.0), run_id="next", work_directory=tmp_path / "b")
        really(pointer)

    index.write_pointer = slept  # type: ignore[method-assign]
    with _lock(workspace).held("rollback") as hold, pytest.raises(UserError, match="taken over by .* run next"):
        move_pointer(index, old, hold)
    assert index.pointer().generation == "000003-abababab"


def test_a_pointer_that_a_dead_sleeper_overwrote_is_put_right_by_the_next_owner(
    workspace: Workspace, corpus: ModuleType, root: Path, tmp_path: Path
) -> None:
    for end in (60, 61):
        source = corpus.source(corpus.entry(number) for number in range(end))
        publish(root, source, lock=_lock(workspace), run_id="first", work_directory=tmp_path / "a")
    index = PublishedIndex(root)
    right = index.pointer()
    index.write_pointer(Pointer.to(index.manifest("000001-abababab"), None))
    assert not publish(root, source, lock=_lock(workspace), run_id="next", work_directory=tmp_path / "a").published
    assert index.pointer() == right


def test_what_a_sleeper_began_is_left_to_it_for_a_day(
    workspace: Workspace, corpus: ModuleType, root: Path, tmp_path: Path
) -> None:
    lock = _lock(workspace)
    publish(root, corpus.source(corpus.BEFORE), lock=lock, run_id="first", work_directory=tmp_path / "a")
    begun = root / "generations" / "000002-abababab" / "chroma"
    begun.mkdir(parents=True)
    (begun / "chroma.sqlite3").write_bytes(b"half")
    report = publish(root, corpus.source(corpus.AFTER), lock=lock, run_id="next", work_directory=tmp_path / "a")
    assert report.generation == "000003-abababab" and begun.is_dir()
    PublishedIndex(root).remove_unfinished(timedelta(0))
    assert not begun.exists()


def test_rollback_and_gc_take_the_same_lock(
    workspace: Workspace, machine: Machine, corpus: ModuleType, root: Path, tmp_path: Path
) -> None:
    lock = _lock(workspace)
    for end in (60, 61, 62):
        source = corpus.source(corpus.entry(number) for number in range(end))
        publish(root, source, lock=lock, run_id="first", work_directory=tmp_path / "a")
    with _lock(machine()).held("publisher"):
        for attempt in (rollback, collect_garbage):
            with pytest.raises(UserError, match="run publisher"):
                attempt(root, lock=lock, run_id="by hand")
    assert rollback(root, lock=lock, run_id="by hand").generation == "000002-abababab"
    assert collect_garbage(root, 1, lock=lock, run_id="by hand") == ["000001-abababab"]
    assert not publish(root, corpus.source(corpus.entry(n) for n in range(61)), lock=lock, run_id="x").published


def test_the_table_is_made_once(workspace: Workspace, spark: SparkSession) -> None:
    for _ in range(2):
        with _lock(workspace).held("run"):
            pass
    assert spark.table(workspace.table(LOCKS.name)).count() == 1
