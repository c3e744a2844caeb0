"""The publish lock of a laptop: the kernel's lock on a file of the local workspace, outside of its volumes.

All publishers of a local workspace are processes of one machine. The kernel gives the lock up when its holder ends,
however that ends, and never before: there is no expiry, no clock and nothing to clean up. Needs no Spark.
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
# A process that is stopped between taking the lock and saying so may take longer; the error then does without its name.
_NAMING_SECONDS = 2.0


class LocalLock:
    """Excludes the processes and threads of this machine that name the same file."""

    def __init__(self, file: Path, index: str) -> None:
        """`file` is made, and stays; `index` names the index in errors."""
        self._file, self._index = file, index

    @contextmanager
    def held(self, run_id: str, wait_seconds: float = 0.0) -> Iterator[Hold]:
        """Holds the lock. Raises UserError naming owner and start when it is not free in time."""
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
            os.close(descriptor)  # which also gives the lock up

    def _acquire(self, descriptor: int, deadline: float) -> None:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            owner, late = self._owner(), time.monotonic() - deadline
            if late >= (0 if owner else _NAMING_SECONDS):
                raise UserError(
                    f"index {self._index} is being published by {owner or 'another run'}: try again after it"
                )
            time.sleep(_POLL_SECONDS)

    def _owner(self) -> Owner | None:
        """Who holds the lock; None where that one has taken it and not yet said so."""
        try:
            owner = Owner.model_validate_json(self._file.read_bytes())
        except (OSError, ValidationError):
            return None
        return owner if psutil.pid_exists(owner.pid) else None  # else of one that was killed before


class LocalHold:
    """A held lock, which cannot be lost while its process lives."""

    leftover_age = timedelta(0)

    def check(self) -> None:
        """Nothing to see."""

    def reserve(self, number: int) -> int:
        """That number."""
        return number

    def condemn(self, names: Sequence[str]) -> None:
        """Nothing to do: nobody else can make them live now."""

    def condemned(self) -> Sequence[str]:
        """None: what was removed in part has no manifest, by which it is known."""
        return ()

    def record(self, pointer: str) -> None:
        """Nothing to do: nobody else writes the pointer now."""

    def recorded(self) -> str | None:
        """None: the pointer is the only record."""
        return None
