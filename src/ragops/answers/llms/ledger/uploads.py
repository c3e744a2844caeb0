"""The ledger where its volume is not mounted: rows are sent there as files, by a thread of their own."""

from __future__ import annotations

import atexit
import logging
import threading
from importlib import import_module
from pathlib import Path

from ragops.answers.llms.ledger.ledger import CallRow, KeptName, as_lines
from ragops.errors import UserError
from ragops.platform.volumes.files_api import RemoteFiles

_log = logging.getLogger(__name__)


class Uploads:
    """Rows as files of JSON lines on a volume, from which the job that owns the table takes them.

    Nobody waits for a request, and no answer is lost over its bill: what cannot be sent waits for the next try, and is
    dropped when too much waits. What was sent twice, since an answer got lost, has the same `call_id` twice, which
    that job counts once. A killed process loses what waits; one that ends sends it.
    """

    def __init__(self, folder: Path, rows_a_file: int = 100, seconds: float = 20.0, most_rows: int = 10_000) -> None:
        """Sends when `rows_a_file` rows wait, or after `seconds`; keeps the newest `most_rows` while it cannot."""
        self._folder, self._size, self._seconds, self._most = folder, rows_a_file, seconds, most_rows
        self._pending: list[CallRow] = []
        self._changing, self._sending, self._wake = threading.Lock(), threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._volumes: RemoteFiles | None = None
        self._names = KeptName()
        self._closed = False
        import_module("databricks.sdk")  # when a process ends and sends what waits, it is too late for that
        atexit.register(self.close)

    def write(self, row: CallRow) -> None:
        """Takes a row."""
        with self._changing:
            self._pending.append(row)
            if len(self._pending) > self._most:
                del self._pending[0]
                _log.warning("ledger: more than %d rows wait for %s, the oldest was dropped", self._most, self._folder)
            if self._thread is None or not self._thread.is_alive():  # the first row, also of a forked process
                self._thread = threading.Thread(target=self._work, name="ledger-uploads", daemon=True)
                self._thread.start()
            if len(self._pending) == self._size:
                self._wake.set()

    def close(self) -> None:
        """Sends what waits, with one try."""
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
        with self._sending:  # one at a time, so that no row goes twice
            with self._changing:
                rows = list(self._pending)
            if not rows:
                return
            try:
                self._volumes = self._volumes or RemoteFiles()
                self._volumes.write(self._folder / self._names.name(), as_lines(rows))
                self._names.used()
            except UserError as error:
                _log.warning("ledger: %d rows wait, %s", len(rows), error)
                return
            sent = {row.call_id for row in rows}
            with self._changing:
                self._pending = [row for row in self._pending if row.call_id not in sent]
