import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ragops.corpus.index.locks import local
from ragops.corpus.index.locks.interface import Owner
from ragops.corpus.index.locks.local import LocalLock
from ragops.errors import UserError

_HOLDER = """
import sys
from pathlib import Path
from ragops.corpus.index.locks.local import LocalLock
with LocalLock(Path(sys.argv[1]), "passages").hold("run 1"):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "locks" / "rag-passages.lock"


@pytest.fixture
def lock(file: Path) -> LocalLock:
    return LocalLock(file, "passages")


def _holder(file: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _HOLDER, str(file)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "locked\n"
    return process


def test_the_lock_file_names_its_owner(lock: LocalLock, file: Path) -> None:
    with lock.hold("run 1") as hold:
        hold.check()
        assert (hold.reserve(7), hold.recorded()) == (7, None)
        owner = Owner.model_validate_json(file.read_bytes())
        assert (owner.run_id, owner.pid) == ("run 1", os.getpid())


def test_an_exception_releases_the_lock(lock: LocalLock) -> None:
    with pytest.raises(KeyError), lock.hold("run 1"):
        raise KeyError
    with lock.hold("run 2"):
        pass


def test_another_process_is_named_and_a_killed_one_does_not_keep_the_lock(lock: LocalLock, file: Path) -> None:
    process = _holder(file)
    reported = rf"index passages is locked by .*@.* pid {process.pid}, run run 1, since \d{{4}}-"
    try:
        with pytest.raises(UserError, match=reported), lock.hold("run 2"):
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with lock.hold("run 2"):
        pass


def test_a_suspended_process_keeps_the_lock(lock: LocalLock, file: Path) -> None:
    """For any time, since the kernel knows that it is alive."""
    process = _holder(file)
    try:
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(UserError, match=f"pid {process.pid}"), lock.hold("run 2"):
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_an_owner_that_has_not_written_its_name_is_another_run(
    lock: LocalLock, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "_NAMING_SECONDS", 0.0)
    with (
        lock.hold("run 1"),
        pytest.raises(UserError, match="locked by another run"),
    ):
        file.write_text("")
        with lock.hold("run 2"):
            pass


def test_the_second_waits_for_the_first(lock: LocalLock) -> None:
    taken, order = threading.Event(), []

    def second() -> None:
        taken.wait()
        with lock.hold("run 2", wait_seconds=60):
            order.append("run 2")

    with ThreadPoolExecutor(1) as pool:
        with lock.hold("run 1"):
            waiting = pool.submit(second)
            taken.set()
            order.append("run 1")
        waiting.result()
    assert order == ["run 1", "run 2"]


def test_only_one_of_many_threads_has_the_lock(lock: LocalLock) -> None:
    inside, most, entered = 0, 0, threading.Barrier(6)

    def enter(number: int) -> None:
        nonlocal inside, most
        entered.wait()
        with lock.hold(f"run {number}", wait_seconds=60):
            inside += 1
            most = max(most, inside)
            inside -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(enter, range(6)))
    assert most == 1
