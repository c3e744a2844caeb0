"""The publish lock of a workspace: a lease on a table's row, which only one machine can change at a time.

An owner renews its lease while it is alive. After `SILENCE` without a renewal it is taken over; the others measure this
with their own monotonic clocks, so clocks need not agree. An owner that was suspended finds its token replaced, and can
no longer commit what is live or what is removed. The pointer on the volume is a copy of the committed one for readers
without Spark; the next owner of the lease corrects it if a late writer has overwritten it.

filelock also has expiring locks with a heartbeat, but on files, and without fencing: an owner whose lock has expired
cannot find out, in the same commit that publishes, that it was taken over.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from ragops.corpus.index.locks.delta_row import RowState
from ragops.corpus.index.locks.interface import Hold, Owner
from ragops.errors import UserError

_log = logging.getLogger(__name__)

RENEWAL_SECONDS = 20.0
SILENCE = 180.0
"""Seconds without a renewal after which an owner counts as dead."""
# Attempts of one commit that conflict with others, to this row or another one.
_TRIES = 20
# A writer that lost its lease may be suspended for long before it continues, so its files are kept for a day.
_LEFTOVER_AGE = timedelta(days=1)


class Row(Protocol):
    """A row that one machine at a time can change."""

    index: str

    def make(self) -> None:
        """Creates the row if it does not exist."""

    def read(self) -> RowState:
        """The row's present values."""

    def change(self, found: RowState, /, **values: str | int) -> bool:
        """Changes the row if it is still as `found`; returns whether it did."""

    def change_own(self, token: str, /, **values: str | int) -> bool:
        """Changes the row if it still has this token; may return False although it has."""


class LeaseLock:
    """Excludes all processes that can change the row."""

    def __init__(self, row: Row, renewal: float = RENEWAL_SECONDS, silence: float = SILENCE) -> None:
        """`renewal`: seconds between renewals; `silence`: seconds after which an owner counts as dead."""
        self._row, self._renewal, self._silence = row, renewal, silence

    @contextmanager
    def hold(self, run_id: str, wait_seconds: float = 0.0) -> Iterator[Hold]:
        """Holds the lock. Raises UserError, with its owner, if it is not free in time."""
        self._row.make()
        token = uuid.uuid4().hex
        found = self._acquire(token, Owner(run_id=run_id), time.monotonic() + wait_seconds)
        hold = Lease(self._row, token, found.last_number, self._renewal)
        try:
            yield hold
        finally:
            hold.release()

    def _acquire(self, token: str, owner: Owner, deadline: float) -> RowState:
        """Takes the lock; returns the row as it was before.

        Even without `wait_seconds` it waits for one renewal, since a dead owner gives none.
        """
        first = found = self._row.read()
        since = time.monotonic()
        while True:
            if not found.token or time.monotonic() - since >= self._silence:
                if self._row.change(found, token=token, owner=owner.model_dump_json()):
                    return found
            elif found.hold != first.hold and time.monotonic() >= deadline:
                result = found.reported_owner
                raise UserError(f"index {self._row.index} is locked by {result}; retry when it finishes")
            time.sleep(self._renewal / 4)
            before, found = found, self._row.read()
            if found.hold != before.hold:
                since = time.monotonic()


class Lease:
    """An acquired lock, renewed by its own thread until `release`."""

    leftover_age = _LEFTOVER_AGE

    def __init__(self, row: Row, token: str, last_number: int, renewal: float) -> None:
        """Only `LeaseLock` creates one."""
        self._row, self._token, self._seconds = row, token, renewal
        self._last_number = last_number
        self._committing, self._released = threading.Lock(), threading.Event()
        self._taken_by: Owner | str | None = None
        threading.Thread(target=self._renew, name="publish-lock", daemon=True).start()

    def check(self) -> None:
        """Raises UserError if a commit or a renewal has found that the lock is lost."""
        if self._taken_by is not None:
            result = self._taken_by
            raise UserError(f"index {self._row.index}: the publish lock was taken over by {result}; run this again")

    def reserve(self, number: int) -> int:
        """A number that no other owner gets. Raises UserError if the lock is lost."""
        self._last_number = max(self._last_number + 1, number)
        self._commit(last_number=self._last_number)
        return self._last_number

    def condemn(self, names: Sequence[str]) -> None:
        """Commits which generations will be removed. Raises UserError if the lock is lost."""
        self._commit(condemned=" ".join(names))

    def condemned(self) -> Sequence[str]:
        """The last committed value, of any owner."""
        return self._read().condemned.split()

    def record(self, pointer: str) -> None:
        """Commits what is live. Raises UserError if the lock is lost."""
        self._commit(pointer=pointer)

    def recorded(self) -> str | None:
        """The last committed value, of any owner."""
        return self._read().pointer

    def release(self) -> None:
        """Releases the lock if this owner still has it; if that fails, the next one waits for `silence`."""
        self._released.set()
        try:
            if self._taken_by is None:
                self._commit(token="")
        except Exception as error:  # it must not hide how the run ended
            _log.warning("index %s: the publish lock was not released (%s)", self._row.index, _first_line(error))

    def _read(self) -> RowState:
        found = self._row.read()
        if found.token != self._token:
            self._taken_by = found.reported_owner
        return found

    def _renew(self) -> None:
        while not self._released.wait(self._seconds):
            try:
                self._commit()
            except UserError:
                return
            except Exception as error:  # Spark may be unavailable; the next commit shows whether the lock was kept
                _log.warning("index %s: the publish lock was not renewed (%s)", self._row.index, _first_line(error))

    def _commit(self, **values: str | int) -> None:
        with self._committing:  # this process's two threads would conflict
            for _ in range(_TRIES):
                self.check()
                if self._row.change_own(self._token, **values):
                    return
                if self._read().token == self._token:
                    time.sleep(random.random() * min(1.0, self._seconds))
            self.check()
        raise UserError(f"index {self._row.index}: its lock is busy ({_TRIES} commits conflicted); run this again")


def _first_line(error: Exception) -> str:
    """The message without the Java stack trace that some servers append."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
