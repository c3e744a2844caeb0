"""The publish lock of a laptop: the kernel's lock on a file of the local workspace, outside of its volumes.

All publishers of a local workspace are processes of one machine. The kernel releases the lock when its owner ends in
any way, and never before, so there is no expiry, no clock and nothing to clean up. Needs no Spark.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psutil
from pydantic import ValidationError

from ragops.corpus.index.locks.interface import Hold, Owner
from ragops.errors import UserError

_POLL_SECONDS = 0.1
# An owner that is stopped between taking the lock and writing its name may take longer; then the error has no name.
_NAMING_SECONDS = 2.0


class LocalLock:
    """Excludes the processes and threads of this machine that name the same file."""

    def __init__(self, file: Path, index: str) -> None:
        """`file` is created, and never removed; `index` names the index in errors."""
        self._file, self._index = file, index

    @contextmanager
    def hold(self, run_id: str, wait_seconds: float = 0.0) -> Iterator[Hold]:
        """Holds the lock. Raises UserError, with its owner, if it is not free in time."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            self._acquire(descriptor, time.monotonic() + wait_seconds)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, Owner(run_id=run_id).model_dump_json().encode(), 0)
            try:
                yield LocalHold()
            finally:
                os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)  # which also releases the lock

    def _acquire(self, descriptor: int, deadline: float) -> None:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            owner, late = self._owner(), time.monotonic() - deadline
            if late >= (0 if owner else _NAMING_SECONDS):
                raise UserError(f"index {self._index} is locked by {owner or 'another run'}; retry when it finishes")
            time.sleep(_POLL_SECONDS)

    def _owner(self) -> Owner | None:
        """The owner of the lock; None if it has not written its name yet."""
        try:
            owner = Owner.model_validate_json(self._file.read_bytes())
        except (OSError, ValidationError):
            return None
        return owner if psutil.pid_exists(owner.pid) else None  # otherwise the name of a killed owner


class LocalHold:
    """An acquired lock, which cannot be lost while its process is alive."""

    leftover_age = timedelta(0)

    def check(self) -> None:
        """Does nothing: the lock cannot be lost."""

    def reserve(self, number: int) -> int:
        """`number` itself, since there is no other owner."""
        return number

    def condemn(self, names: Sequence[str]) -> None:
        """Does nothing: no other owner can make these generations live."""

    def condemned(self) -> Sequence[str]:
        """Always empty: a partly removed generation is recognized by its missing manifest."""
        return ()

    def record(self, pointer: str) -> None:
        """Does nothing: no other owner writes the pointer."""

    def recorded(self) -> str | None:
        """Always None: the pointer file is the only record."""
        return None
