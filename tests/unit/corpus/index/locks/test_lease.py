"""Leases on a row: owners on several machines that are suspended, die, or meet commits of others."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ragops.corpus.index.locks import lease
from ragops.corpus.index.locks.lease import LeaseLock
from ragops.errors import UserError
from tests.support.memory_row import MemoryRow

NEVER = 1e9
SOON = 0.02


@pytest.fixture
def row() -> MemoryRow:
    return MemoryRow()


def _lock(row: MemoryRow, renewal: float = SOON, silence: float = NEVER) -> LeaseLock:
    return LeaseLock(row, renewal, silence)


def _sleeper(row: MemoryRow) -> LeaseLock:
    return _lock(row, renewal=NEVER)


def _taker(row: MemoryRow) -> LeaseLock:
    return _lock(row, silence=0.0)


def test_a_lock_is_released_at_the_end_and_keeps_its_records(row: MemoryRow) -> None:
    with _lock(row).hold("run 1") as hold:
        hold.check()
        assert (hold.recorded(), hold.condemned()) == ("", [])
        assert (hold.reserve(1), hold.reserve(1), hold.reserve(7)) == (1, 2, 7)
        hold.record("the pointer")
        hold.condemn(["a", "b"])
    assert row.state.token == ""
    with _lock(row).hold("run 2") as hold:
        assert (hold.recorded(), hold.condemned(), hold.reserve(3)) == ("the pointer", ["a", "b"], 8)


def test_a_live_owner_is_named_with_its_start(row: MemoryRow) -> None:
    result = r"index passages is locked by .*@.* pid \d+, run run 1, since \d{4}-"
    with _lock(row).hold("run 1"), pytest.raises(UserError, match=result), _lock(row).hold("run 2"):
        pass
    with pytest.raises(KeyError), _lock(row).hold("run 1"):
        raise KeyError
    with _lock(row).hold("run 2"):
        pass


def test_a_silent_owner_is_taken_over_even_without_waiting(row: MemoryRow) -> None:
    with _sleeper(row).hold("sleeper"), _lock(row, silence=0.05).hold("rollback"):
        assert '"run_id":"rollback"' in row.state.owner


def test_an_owner_that_renews_is_never_taken_over(row: MemoryRow) -> None:
    with (
        _lock(row, renewal=0.01).hold("alive"),
        pytest.raises(UserError, match="run alive"),
        _lock(row, silence=5.0).hold("next", wait_seconds=0.3),
    ):
        pass


def test_a_suspended_owner_notices_the_loss_and_leaves_the_lock_to_its_successor(row: MemoryRow) -> None:
    with _sleeper(row).hold("sleeper") as sleeper:
        next_one = _taker(row).hold("next")
        hold = next_one.__enter__()
        number = hold.reserve(1)
        result = "index passages: the publish lock was taken over by .*, run next, since .*; run this again"
        for attempt in (
            lambda: sleeper.record("{}"),
            lambda: sleeper.reserve(1),
            lambda: sleeper.condemn(["x"]),
            sleeper.check,
        ):
            with pytest.raises(UserError, match=result):
                attempt()
        assert (hold.recorded(), hold.condemned(), hold.reserve(1)) == ("", [], number + 1)
    assert row.state.token != ""
    next_one.__exit__(None, None, None)
    assert row.state.token == ""


def test_a_renewal_notices_the_loss(row: MemoryRow) -> None:
    with (
        _lock(row).hold("sleeper") as sleeper,
        _taker(row).hold("next"),
        pytest.raises(UserError, match="taken over by .*, run next"),
    ):
        while True:
            sleeper.check()


def test_only_one_of_many_owners_has_the_lock(row: MemoryRow) -> None:
    inside, most, ready = 0, 0, threading.Barrier(6)

    def enter(number: int) -> None:
        nonlocal inside, most
        ready.wait()
        with _lock(row).hold(f"run {number}", wait_seconds=60):
            inside += 1
            most = max(most, inside)
            inside -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(enter, range(6)))
    assert most == 1


def test_conflicting_commits_are_repeated(row: MemoryRow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease.random, "random", lambda: 0.0)  # no pauses
    with _sleeper(row).hold("run") as hold:
        row.conflicts = 3
        hold.record("the pointer")
        row.conflicts = 3
    assert (row.state.pointer, row.state.token) == ("the pointer", "")


def test_repeated_conflicts_end_with_an_error(row: MemoryRow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_TRIES", 3)
    with _lock(row, renewal=1e-6).hold("run") as hold:
        row.conflicts = 10**9
        with pytest.raises(UserError, match="its lock is busy .3 commits"):
            hold.record("the pointer")
        row.conflicts = 0


def test_a_release_that_fails_does_not_hide_how_the_run_ended(row: MemoryRow, caplog: pytest.LogCaptureFixture) -> None:
    def away() -> Exception:
        return RuntimeError("Spark is away\n\tat java.util.concurrent.ConcurrentHashMap")

    with caplog.at_level(logging.WARNING), pytest.raises(UserError, match="the real reason"), _sleeper(row).hold("run"):
        row.broken = away
        raise UserError("the real reason")
    assert "the publish lock was not released (Spark is away)" in caplog.text


def test_an_error_that_is_not_a_conflict_is_raised_immediately(row: MemoryRow) -> None:
    row.broken = lambda: PermissionError("no MODIFY on index_locks")
    with pytest.raises(PermissionError), _lock(row).hold("run"):
        pass
