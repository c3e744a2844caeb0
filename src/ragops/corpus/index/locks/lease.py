"""The publish lock of a workspace: a lease on a row that every machine can change, and no two at once.

An owner renews its lease while it lives. One that has been silent for `SILENCE` is taken over; the others measure that
by their own monotonic clocks, so that no clock need be right. An owner that slept and wakes up finds its token gone: it
can no longer commit what is live, or what is removed. The pointer on the volume is a copy of what was committed, for
readers without Spark, and whoever holds the lease next puts it right where a late writer has overwritten it.
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
"""Seconds without a renewal after which an owner is taken to be gone."""
# Commits of others, to this row or beside it, that one commit may meet.
_TRIES = 20
# A writer that lost its lease may sleep for long before it goes on: what it began is left alone for a day.
_LEFTOVER_AGE = timedelta(days=1)


class Row(Protocol):
    """A row that is changed by one machine at a time."""

    index: str

    def make(self) -> None:
        """Makes the row where there is none."""

    def read(self) -> RowState:
        """As it is now."""

    def change(self, found: RowState, /, **values: str | int) -> bool:
        """Changes it if it is still as it was found."""

    def change_own(self, token: str, /, **values: str | int) -> bool:
        """Changes it if it still has this token; may fail although it has."""


class LeaseLock:
    """Excludes all who can change the row."""

    def __init__(self, row: Row, renewal: float = RENEWAL_SECONDS, silence: float = SILENCE) -> None:
        """`renewal`, `silence`: seconds between two signs of life, and until one is missed."""
        self._row, self._renewal, self._silence = row, renewal, silence

    @contextmanager
    def held(self, run_id: str, wait_seconds: float = 0.0) -> Iterator[Hold]:
        """Holds the lock. Raises UserError naming owner and start when it is not free in time."""
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

        Whoever does not want to wait waits all the same for a sign of life: an owner that is gone gives none.
        """
        first = found = self._row.read()
        since = time.monotonic()
        while True:
            if not found.token or time.monotonic() - since >= self._silence:
                if self._row.change(found, token=token, owner=owner.model_dump_json()):
                    return found
            elif found.hold != first.hold and time.monotonic() >= deadline:
                result = found.reported_owner
                raise UserError(f"index {self._row.index} is being published by {result}: try again after it")
            time.sleep(self._renewal / 4)
            before, found = found, self._row.read()
            if found.hold != before.hold:
                since = time.monotonic()


class Lease:
    """A held lock, renewed by a thread of its own until `release`."""

    leftover_age = _LEFTOVER_AGE

    def __init__(self, row: Row, token: str, last_number: int, renewal: float) -> None:
        """Only `LeaseLock` makes one."""
        self._row, self._token, self._seconds = row, token, renewal
        self._last_number = last_number
        self._committing, self._released = threading.Lock(), threading.Event()
        self._taken_by: Owner | str | None = None
        threading.Thread(target=self._renew, name="publish-lock", daemon=True).start()

    def check(self) -> None:
        """Raises UserError when a commit or a renewal has found that the lock is lost."""
        if self._taken_by is not None:
            result = self._taken_by
            raise UserError(f"index {self._row.index}: the publish lock was taken over by {result}; run this again")

    def reserve(self, number: int) -> int:
        """A number that no other owner gets. Raises UserError when the lock is lost."""
        self._last_number = max(self._last_number + 1, number)
        self._commit(last_number=self._last_number)
        return self._last_number

    def condemn(self, names: Sequence[str]) -> None:
        """Commits which generations go. Raises UserError when the lock is lost."""
        self._commit(condemned=" ".join(names))

    def condemned(self) -> Sequence[str]:
        """What was committed last, whoever did."""
        return self._read().condemned.split()

    def record(self, pointer: str) -> None:
        """Commits what is live. Raises UserError when the lock is lost."""
        self._commit(pointer=pointer)

    def recorded(self) -> str | None:
        """What was committed last, whoever did."""
        return self._read().pointer

    def release(self) -> None:
        """Gives the lock up, if it is still this one's; where that fails, the next one waits for it to be silent."""
        self._released.set()
        try:
            if self._taken_by is None:
                self._commit(token="")
        except Exception as error:  # how the run ended is what people want to know
            _log.warning("index %s: the publish lock was not given up (%s)", self._row.index, _first_line(error))

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
            except Exception as error:  # Spark may be away for a while; the next commit decides whether it was kept
                _log.warning("index %s: the publish lock was not renewed (%s)", self._row.index, _first_line(error))

    def _commit(self, **values: str | int) -> None:
        with self._committing:  # its own two threads would conflict
            for _ in range(_TRIES):
                self.check()
                if self._row.change_own(self._token, **values):
                    return
                if self._read().token == self._token:
                    time.sleep(random.random() * min(1.0, self._seconds))
            self.check()
        raise UserError(f"index {self._row.index}: its lock is busy, {_TRIES} commits met others; run this again")


def _first_line(error: Exception) -> str:
    """Without the Java stack trace, which some servers send along."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
