"""Where the ledger's rows go: to memory, to files on a mounted volume, or by upload to one that is not mounted."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Protocol

from ragops.answers.llms.ledger.calls import CallRow
from ragops.errors import UserError
from ragops.platform.volumes.errors import VolumeError
from ragops.platform.volumes.files_api import RemoteFiles
from ragops.platform.volumes.mounted import MountedFiles

_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Where rows go."""

    def write(self, row: CallRow) -> None:
        """Takes a row; never fails: an error in bookkeeping must not cost an answer."""


class MemorySink:
    """Rows in memory: for tests, and for a notebook that inspects its own calls.

    Attributes:
        rows: all rows so far, oldest first.
    """

    def __init__(self) -> None:
        self.rows: list[CallRow] = []

    def write(self, row: CallRow) -> None:
        """Appends a row."""
        self.rows.append(row)


class DiscardingSink:
    """Discards rows: for a packaged model that runs without a workspace. Logs one warning."""

    def __init__(self) -> None:
        _log.warning("ledger: no workspace, model calls are not recorded")

    def write(self, row: CallRow) -> None:
        """Discards a row."""


class Spool:
    """Rows as files of JSON lines on a mounted volume, which the job that owns the table collects.

    Each file is written once, under a name of its own.
    """

    def __init__(self, folder: Path, rows_per_file: int = 1) -> None:
        """Buffers fewer than `rows_per_file` rows, which `close` writes; a killed process loses those."""
        self._folder, self._size = folder, rows_per_file
        self._files, self._names = MountedFiles(), FileNames()
        self._pending: list[CallRow] = []
        self._lock = threading.Lock()

    def write(self, row: CallRow) -> None:
        """Takes a row, and writes all pending rows once they fill a file."""
        with self._lock:
            self._pending.append(row)
            if len(self._pending) >= self._size:
                self._flush()

    def close(self) -> None:
        """Writes the pending rows."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        try:
            self._files.write(self._folder / self._names.current(), json_lines(self._pending))
            self._pending = []
            self._names.next()
        except VolumeError as error:  # the next row tries again
            _log.warning("ledger: %d rows pending, %s", len(self._pending), error)


class Uploads:
    """Rows as files of JSON lines on a volume that is not mounted, uploaded by a background thread.

    No request waits for an upload. Rows that cannot be sent stay pending, up to a limit. A file that was sent twice,
    because the response was lost, has the same `call_id` twice, which the collecting job counts once. A process that
    exits sends its pending rows; a killed one loses them.
    """

    def __init__(
        self, folder: Path, rows_per_file: int = 100, seconds: float = 20.0, max_pending: int = 10_000
    ) -> None:
        """Sends when `rows_per_file` rows are pending, or after `seconds`; keeps only the newest `max_pending` rows."""
        self._folder = folder
        self._size = rows_per_file
        self._seconds = seconds
        self._max_pending = max_pending
        self._pending: list[CallRow] = []
        self._changing, self._sending, self._wake = threading.Lock(), threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._volumes: RemoteFiles | None = None
        self._names = FileNames()
        self._closed = False
        import_module("databricks.sdk")  # cannot be imported any more when the exiting process sends its rows
        atexit.register(self.close)

    def write(self, row: CallRow) -> None:
        """Takes a row."""
        with self._changing:
            self._pending.append(row)
            if len(self._pending) > self._max_pending:
                del self._pending[0]
                message = "ledger: more than %d rows pending for %s, dropped the oldest"
                _log.warning(message, self._max_pending, self._folder)
            if self._thread is None or not self._thread.is_alive():  # the first row of this process, or of a fork
                self._thread = threading.Thread(target=self._work, name="ledger-uploads", daemon=True)
                self._thread.start()
            if len(self._pending) == self._size:
                self._wake.set()

    def close(self) -> None:
        """Sends the pending rows, trying once."""
        self._closed = True
        self._wake.set()
        self._send()
        atexit.unregister(self.close)

    def _work(self) -> None:
        while not self._closed:
            self._wake.wait(self._seconds)
            self._wake.clear()
            self._send()

    def _send(self) -> None:
        with self._sending:  # one at a time, so that no row is sent twice
            with self._changing:
                rows = list(self._pending)
            if not rows:
                return
            try:
                self._volumes = self._volumes or RemoteFiles()
                self._volumes.write(self._folder / self._names.current(), json_lines(rows))
                self._names.next()
            except UserError as error:
                _log.warning("ledger: %d rows pending, %s", len(rows), error)
                return
            sent = {row.call_id for row in rows}
            with self._changing:
                self._pending = [row for row in self._pending if row.call_id not in sent]


class FileNames:
    """Unique names for files of rows, which sort by time.

    A name is reused until `next` is called, so that a retry overwrites what a failed write may have left behind.
    """

    def __init__(self) -> None:
        self._of_process: dict[int, str] = {}  # a forked process writes files of its own

    def current(self) -> str:
        """The name of the file being written, the same for all retries of this process."""
        new = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex}.jsonl"
        return self._of_process.setdefault(os.getpid(), new)

    def next(self) -> None:
        """Moves on to another name: the file is written."""
        self._of_process.clear()


def json_lines(rows: Iterable[CallRow]) -> bytes:
    """The content of a file of rows."""
    return "".join(f"{row.model_dump_json()}\n" for row in rows).encode()
