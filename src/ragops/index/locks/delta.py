"""The publish lock of a workspace: a row of a Delta table, whose commits win or conflict on whatever machine.

An owner renews its row while it lives. One that has not for `SILENCE` is taken over; the others measure that by their
own monotonic clocks, so that no clock need be right. An owner that slept and wakes up finds its token gone: it can no
longer commit what is live. The pointer on the volume is a copy of what was committed, for readers without Spark, and
whoever holds the lock next puts it right where a late writer has overwritten it.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ragops.errors import UserError
from ragops.index.locks.interface import Hold, Owner
from ragops.tables import Column, Table, quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ragops.workspace import Workspace

_log = logging.getLogger(__name__)

LOCKS = Table(
    name="index_locks",
    comment="Who publishes each index now, and which generation is live: a commit to this table wins or conflicts.",
    key="index_name",
    columns=(
        Column("index_name", "STRING", "The index."),
        Column("token", "STRING", "Of the present hold; empty while nobody holds the lock."),
        Column("owner", "STRING", "Who holds it or held it last, as JSON."),
        Column("renewals", "BIGINT", "Grows while the owner lives."),
        Column("last_number", "BIGINT", "The highest generation number given out."),
        Column("pointer", "STRING", "The pointer to the live generation as JSON; null before the first."),
        Column("renewed_at", "TIMESTAMP", "When the row was last changed, by its owner's clock."),
    ),
)
RENEWAL_SECONDS = 20.0
SILENCE = 120.0
"""Seconds without a renewal after which an owner is taken to be gone."""
_POLL_SECONDS = 5.0
# A writer that lost its lock may sleep for long before it goes on: what it began is left alone for a day.
_LEFTOVER_AGE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Row:
    token: str
    owner: str
    renewals: int
    last_number: int
    pointer: str | None

    @property
    def told_owner(self) -> Owner | str:
        try:
            return Owner.model_validate_json(self.owner)
        except ValidationError:
            return "another run"


class DeltaLock:
    """Excludes all who commit to the schema's table."""

    def __init__(
        self, workspace: Workspace, index: str, renewal: float = RENEWAL_SECONDS, silence: float = SILENCE
    ) -> None:
        """`index` is the row's key; `renewal`, `silence`: seconds between signs of life, and until one is missed."""
        self._workspace, self._index = workspace, index
        self._renewal, self._silence = renewal, silence

    @contextmanager
    def held(self, run_id: str, wait_seconds: float = 0.0) -> Iterator[Hold]:
        """Holds the lock. Raises UserError naming owner and start when it is not free in time."""
        row = _LockRow(self._workspace, self._index)
        row.make()
        token = uuid.uuid4().hex
        found = self._acquire(row, token, Owner(run_id=run_id), time.monotonic() + wait_seconds)
        hold = DeltaHold(row, token, found.last_number, self._renewal)
        try:
            yield hold
        finally:
            hold.release()

    def _acquire(self, row: _LockRow, token: str, owner: Owner, deadline: float) -> _Row:
        """Takes the lock; returns the row as it was before."""
        seen, since = (-1, ""), time.monotonic()
        while True:
            found, now = row.read(), time.monotonic()
            if (found.renewals, found.token) != seen:
                seen, since = (found.renewals, found.token), now
            if not found.token or now - since >= self._silence:
                if row.take(token, owner, found):
                    return found
                continue  # another commit came between: what does the row say now?
            if now >= deadline:
                raise UserError(
                    f"index {self._index} is being published by {found.told_owner}: try again after it; if it is gone, "
                    f"whoever waits {self._silence:.0f} s takes over"
                )
            time.sleep(min(_POLL_SECONDS, self._silence / 4))


class DeltaHold:
    """A held lock, renewed by a thread of its own until `release`."""

    leftover_age = _LEFTOVER_AGE

    def __init__(self, row: _LockRow, token: str, last_number: int, renewal: float) -> None:
        """Only `DeltaLock` makes one."""
        self._row, self._token, self._seconds = row, token, renewal
        self._last_number = last_number
        self._committing, self._released = threading.Lock(), threading.Event()
        self._taken_by: Owner | str | None = None
        self._thread = threading.Thread(target=self._renew, name="publish-lock", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raises UserError when a renewal has found that the lock is lost."""
        if self._taken_by is not None:
            raise UserError(
                f"index {self._row.index}: the publish lock was taken over by {self._taken_by}; "
                "nothing of this run is live, run it again"
            )

    def reserve(self, number: int) -> int:
        """A number that no other owner gets. Raises UserError when the lock is lost."""
        self._last_number = max(self._last_number + 1, number)
        self._commit(f"last_number = {self._last_number}")
        return self._last_number

    def record(self, pointer: str) -> None:
        """Commits what is live. Raises UserError when the lock is lost."""
        self._commit(f"pointer = {quoted(pointer)}")

    def recorded(self) -> str | None:
        """What was committed last, whoever did."""
        found = self._row.read()
        if found.token != self._token:
            self._taken_by = found.told_owner
        return found.pointer

    def release(self) -> None:
        """Gives the lock up, if it is still this one's."""
        self._released.set()
        self._thread.join()
        with self._committing:
            if self._taken_by is None:
                self._row.change("token = ''", self._token)

    def _renew(self) -> None:
        while not self._released.wait(self._seconds):
            try:
                self._commit("owner = owner")
            except UserError:
                return
            except Exception as error:  # Spark may be away for a while; `record` decides whether the lock was kept
                _log.warning("index %s: the publish lock was not renewed (%s)", self._row.index, type(error).__name__)

    def _commit(self, assignment: str) -> None:
        with self._committing:  # its own two threads would conflict
            self.check()
            while not self._row.change(assignment, self._token):
                found = self._row.read()
                if found.token != self._token:
                    self._taken_by = found.told_owner
                    break
        self.check()


class _LockRow:
    """One row of the table, and the statements on it."""

    def __init__(self, workspace: Workspace, index: str) -> None:
        self.index = index
        self._workspace, self._table = workspace, workspace.table(LOCKS.name)

    def make(self) -> None:
        """Makes table and row where there are none."""
        LOCKS.create(self._workspace)
        if not self._find().collect():
            columns = "index_name, token, owner, renewals, last_number, pointer, renewed_at"
            self._changes(
                f"MERGE INTO {self._table} t USING (SELECT {quoted(self.index)} AS index_name) s "
                f"ON t.index_name = s.index_name WHEN NOT MATCHED THEN INSERT ({columns}) "
                "VALUES (s.index_name, '', '', 0, 0, NULL, current_timestamp())"
            )

    def read(self) -> _Row:
        """As it is now."""
        return _Row(**self._find().collect()[0].asDict())

    def take(self, token: str, owner: Owner, found: _Row) -> bool:
        """Puts a new hold in the place of the one that was found; False where somebody else was first."""
        new = f"token = {quoted(token)}, owner = {quoted(owner.model_dump_json())}"
        return self._update(new, f"token = {quoted(found.token)} AND renewals = {found.renewals}")

    def change(self, assignment: str, token: str) -> bool:
        """Changes the row if it still has this token; False where it has not, or another commit came between."""
        return self._update(assignment, f"token = {quoted(token)}")

    def _update(self, assignment: str, condition: str) -> bool:
        return self._changes(
            f"UPDATE {self._table} SET {assignment}, renewals = renewals + 1, renewed_at = current_timestamp() "
            f"WHERE index_name = {quoted(self.index)} AND {condition}"
        )

    def _find(self) -> DataFrame:
        row = self._workspace.spark.table(self._table).where(f"index_name = {quoted(self.index)}")
        return row.select("token", "owner", "renewals", "last_number", "pointer")

    def _changes(self, statement: str) -> bool:
        from pyspark.errors import PySparkException

        try:
            done = self._workspace.spark.sql(statement).collect()[0]
        except PySparkException as error:
            if "DELTA_CONCURRENT" not in str(error) and "Concurrent" not in str(error):
                raise
            return False
        return int(done["num_affected_rows"]) > 0
