"""Processes that must not outlive their run: identity by pid and start time, and stopping a whole tree."""

import contextlib
import os
import time
import uuid

import psutil

from localbundle.workspace.environment import OWNER

_PATIENCE = 5.0
_POLL = 0.05


def create_time(pid: int) -> float:
    """Start time of a process in seconds since the epoch; 0 if there is no such process."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).create_time()
    return 0.0


def is_alive(pid: int, started: float) -> bool:
    """Whether the process with this pid and start time still runs (pids are reused)."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    return False


def new_owner() -> str:
    """An owner id that no other run has."""
    return f"{os.getpid()}-{uuid.uuid4().hex}"


def owned_by(owner: str) -> list[psutil.Process]:
    """All processes of this user with this owner id."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(OWNER) == owner:
                found.append(process)
    return found


def stop_tree(pid: int, started: float, patience: float = _PATIENCE) -> None:
    """Ends a process and its descendants: terminates them, kills the rest after `patience` seconds."""
    if is_alive(pid, started):
        root = psutil.Process(pid)
        with contextlib.suppress(psutil.NoSuchProcess):
            stop([*root.children(recursive=True), root], patience)


def stop(processes: list[psutil.Process], patience: float = _PATIENCE) -> None:
    """Ends processes: terminates them, kills the rest after `patience` seconds."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    stubborn = _still_running(processes, patience)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _still_running(stubborn, patience)


def _still_running(processes: list[psutil.Process], patience: float) -> list[psutil.Process]:
    """Waits for processes to end, at most `patience` seconds. A zombie has ended, whenever its parent notices."""
    end = time.monotonic() + patience
    while True:
        _, left = psutil.wait_procs(processes, timeout=0)
        running = [process for process in left if is_alive(process.pid, process.create_time())]
        if not running or time.monotonic() >= end:
            return running
        time.sleep(_POLL)
