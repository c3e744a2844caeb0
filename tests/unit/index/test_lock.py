import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.index import lock as lock_module
from ragops.index.lock import LOCK_FILE, LockOwner, publish_lock


def _written(root: Path, **changed: object) -> Path:
    path = root / LOCK_FILE
    path.write_text(LockOwner(run_id="other").model_copy(update=changed).model_dump_json())
    return path


def test_held_then_free(tmp_path: Path) -> None:
    with publish_lock(tmp_path, "run 1") as lock:
        lock.confirm()
        owner = LockOwner.model_validate_json((tmp_path / LOCK_FILE).read_bytes())
        assert (owner.run_id, owner.pid) == ("run 1", os.getpid())
    assert list(tmp_path.iterdir()) == []


def test_freed_by_an_exception(tmp_path: Path) -> None:
    with pytest.raises(KeyError), publish_lock(tmp_path, "run 1"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_second_is_told_who_holds_it_and_since_when(tmp_path: Path) -> None:
    with (
        publish_lock(tmp_path, "run 1"),
        pytest.raises(UserError, match=rf"published by .*@.* pid {os.getpid()}, run run 1, since \d{{4}}-\d\d-\d\d "),
        publish_lock(tmp_path, "run 2"),
    ):
        pass


def test_second_waits(tmp_path: Path) -> None:
    inside, order = threading.Event(), []

    def first() -> None:
        with publish_lock(tmp_path, "run 1"):
            inside.set()
            threading.Event().wait(0.5)
            order.append("run 1")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait()
    with publish_lock(tmp_path, "run 2", wait_seconds=60):
        order.append("run 2")
    thread.join()
    assert order == ["run 1", "run 2"]


def test_only_one_of_many_is_inside(tmp_path: Path) -> None:
    inside, most, rounds = 0, 0, 5

    def enter(number: int) -> None:
        nonlocal inside, most
        with publish_lock(tmp_path, f"run {number}", wait_seconds=60):
            inside += 1
            most = max(most, inside)
            threading.Event().wait(0.02)
            inside -= 1

    for _ in range(rounds):
        _written(tmp_path, process_start=0.0)  # and all of them find a stale lock first
        threads = [threading.Thread(target=enter, args=[number]) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == 1
        assert list(tmp_path.iterdir()) == []


def test_dead_process_of_this_host(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    _written(tmp_path, pid=int(ended.stdout))
    with publish_lock(tmp_path, "run 2"):
        pass


def test_pid_used_again_by_another_process(tmp_path: Path) -> None:
    _written(tmp_path, process_start=LockOwner(run_id="x").process_start - 1000)
    with publish_lock(tmp_path, "run 2"):
        pass


def test_other_host_until_it_expires(tmp_path: Path) -> None:
    _written(tmp_path, host="elsewhere", pid=1)
    with pytest.raises(UserError, match="@elsewhere pid 1"), publish_lock(tmp_path, "run 2"):
        pass
    _written(tmp_path, host="elsewhere", pid=1, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with publish_lock(tmp_path, "run 2"):
        pass


def test_lock_being_written_is_respected_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / LOCK_FILE
    path.touch()
    with pytest.raises(UserError, match="published by another run"), publish_lock(tmp_path, "run 2"):
        pass
    os.utime(path, (0, 0))
    with publish_lock(tmp_path, "run 2"):
        pass


def test_owner_who_lost_the_lock_is_stopped_and_leaves_the_new_one(tmp_path: Path) -> None:
    with publish_lock(tmp_path, "run 1") as lock:
        path = _written(tmp_path)
        with pytest.raises(UserError, match="taken over by .* run other"):
            lock.confirm()
    assert path.exists()


def test_lock_is_renewed_while_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "_RENEW_SECONDS", 0.02)
    with publish_lock(tmp_path, "run 1") as lock:
        path = tmp_path / LOCK_FILE
        first = LockOwner.model_validate_json(path.read_bytes())
        for _ in range(500):
            renewed = LockOwner.model_validate_json(path.read_bytes())
            if renewed.expires_at > first.expires_at:
                break
            threading.Event().wait(0.02)
        assert renewed.expires_at > first.expires_at
        assert renewed.model_copy(update={"expires_at": first.expires_at}) == first
        lock.confirm()
    assert list(tmp_path.iterdir()) == []


def test_only_a_stale_lock_is_broken(tmp_path: Path) -> None:
    path = _written(tmp_path)
    assert not lock_module._break_if_stale(path)
    assert LockOwner.model_validate_json(path.read_bytes()).run_id == "other"


def test_a_folder_without_locks_of_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on volumes over the network."""

    def refused(folder: int, how: int) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr(lock_module.fcntl, "flock", refused)
    _written(tmp_path, process_start=0.0)
    with publish_lock(tmp_path, "run 2") as lock:
        lock.confirm()
    assert list(tmp_path.iterdir()) == []
