"""Leases on a row: owners on several machines, of which some sleep, die, or meet the commits of others."""

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


def test_held_then_free(row: MemoryRow) -> None:
    with _lock(row).held("run 1") as hold:
        hold.check()
        assert (hold.recorded(), hold.condemned()) == ("", [])
        assert (hold.reserve(1), hold.reserve(1), hold.reserve(7)) == (1, 2, 7)
        hold.record("the pointer")
        hold.condemn(["a", "b"])
    assert row.state.token == ""
    with _lock(row).held("run 2") as hold:
        assert (hold.recorded(), hold.condemned(), hold.reserve(3)) == ("the pointer", ["a", "b"], 8)


def test_an_owner_that_lives_is_named_with_its_start_to_whoever_comes_second(row: MemoryRow) -> None:
    result = r"index passages is being published by .*@.* pid \d+, run run 1, since \d{4}-.*: try again after it"
    with _lock(row).held("run 1"), pytest.raises(UserError, match=result), _lock(row).held("run 2"):
        pass
    with pytest.raises(KeyError), _lock(row).held("run 1"):
        raise KeyError
    with _lock(row).held("run 2"):
        pass


def test_an_owner_that_gives_no_sign_of_life_is_taken_over_by_who_does_not_want_to_wait(row: MemoryRow) -> None:
    with _sleeper(row).held("sleeper"), _lock(row, silence=0.05).held("rollback"):
        assert '"run_id":"rollback"' in row.state.owner


def test_an_owner_that_renews_is_not_taken_over_however_short_the_patience(row: MemoryRow) -> None:
    with (
        _lock(row, renewal=0.01).held("alive"),
        pytest.raises(UserError, match="run alive"),
        _lock(row, silence=5.0).held("next", wait_seconds=0.3),
    ):
        pass


def test_a_sleeper_finds_that_it_lost_the_lock_and_leaves_it_to_its_successor(row: MemoryRow) -> None:
    with _sleeper(row).held("sleeper") as sleeper:
        next_one = _taker(row).held("next")
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
        _lock(row).held("sleeper") as sleeper,
        _taker(row).held("next"),
        pytest.raises(UserError, match="taken over by .*, run next"),
    ):
        while True:
            sleeper.check()


def test_of_many_one_is_inside(row: MemoryRow) -> None:
    inside, most, ready = 0, 0, threading.Barrier(6)

    def enter(number: int) -> None:
        nonlocal inside, most
        ready.wait()
        with _lock(row).held(f"run {number}", wait_seconds=60):
            inside += 1
            most = max(most, inside)
            inside -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(enter, range(6)))
    assert most == 1


def test_commits_of_others_are_met_and_the_lock_is_kept_and_given_up(row: MemoryRow) -> None:
    with _sleeper(row).held("run") as hold:
        row.conflicts = 3
        hold.record("the pointer")
        row.conflicts = 3
    assert (row.state.pointer, row.state.token) == ("the pointer", "")


def test_a_table_that_is_never_quiet_is_an_error_and_no_endless_loop(
    row: MemoryRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_TRIES", 3)
    with _lock(row, renewal=1e-6).held("run") as hold:
        row.conflicts = 10**9
        with pytest.raises(UserError, match="its lock is busy, 3 commits met others; run this again"):
            hold.record("the pointer")
        row.conflicts = 0


def test_a_release_that_fails_does_not_hide_how_the_run_ended(row: MemoryRow, caplog: pytest.LogCaptureFixture) -> None:
    def away() -> Exception:
        return RuntimeError("Spark is away\n\tat java.util.concurrent.ConcurrentHashMap")

    with caplog.at_level(logging.WARNING), pytest.raises(UserError, match="the real reason"), _sleeper(row).held("run"):
        row.broken = away
        raise UserError("the real reason")
    assert "the publish lock was not given up (Spark is away)" in caplog.text


def test_an_error_that_is_no_conflict_is_raised_at_once(row: MemoryRow) -> None:
    row.broken = lambda: PermissionError("no MODIFY on index_locks")
    with pytest.raises(PermissionError), _lock(row).held("run"):
        pass
