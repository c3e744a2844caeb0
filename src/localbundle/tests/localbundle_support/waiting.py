"""Waiting for something that another process does."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import psutil

_POLL_SECONDS = 0.1


def eventually(condition: Callable[[], object], seconds: float = 120) -> bool:
    """Whether a condition becomes true in time; the time is generous, for a busy machine."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return bool(condition())


def processes_with(folder: Path) -> list[psutil.Process]:
    """The running processes with a folder in their command line or as their LOCALBUNDLE_HOME."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(folder) in word for word in [*process.cmdline(), process.environ().get("LOCALBUNDLE_HOME", "")]):
                found.append(process)
    return found
