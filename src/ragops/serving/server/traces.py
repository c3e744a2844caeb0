"""Traces of answers: queued when an answer ends, written by a second process, and counted where they are missing."""

from __future__ import annotations

import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from pydantic import PrivateAttr

from ragops.answers.chain.trace import Steps
from ragops.answers.chain.trace_record import TraceRecord

_log = logging.getLogger(__name__)

_MOST_WAITING = 1_000  # of some 30 KB each
_CLOSE_S = 1.5  # for the traces that still wait at the end
_PROGRAM = "ragops.serving.server.trace_process"


class _Queued(TraceRecord):
    """A record that is queued once it has ended."""

    _put: Callable[[TraceRecord], None] = PrivateAttr()

    def end(self, **outputs: object) -> None:
        """Ends the trace with its outputs."""
        super().end(**outputs)
        self._put(self)

    def fail(self, error: BaseException) -> None:
        """Ends the trace with the error."""
        super().fail(error)
        self._put(self)


class Traces:
    """The traces of one server; `missing` counts those that could not be written, `problem` is the newest reason."""

    def __init__(self, target: str, experiment: str) -> None:
        self._command = [sys.executable, "-m", _PROGRAM, target, experiment]
        self._waiting: queue.Queue[TraceRecord | None] = queue.Queue(_MOST_WAITING)
        self._process: subprocess.Popen[bytes] | None = None
        self.missing = 0
        self.problem = ""
        self._thread = threading.Thread(target=self._write_all, name="traces", daemon=True)
        self._thread.start()

    def open(self, *, texts: bool, **inputs: object) -> Steps:
        """Starts the trace of an answer. `texts`: whether it may contain inputs and outputs."""
        record = _Queued()
        record._put = self._put
        return record.open(texts=texts, **inputs)

    def close(self) -> None:
        """Writes those that wait, for a short time, and ends the process."""
        with suppress(queue.Full):
            self._waiting.put(None, timeout=_CLOSE_S)
        self._thread.join(_CLOSE_S)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def _put(self, record: TraceRecord) -> None:
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self._miss(f"{_MOST_WAITING:,} traces wait to be written")

    def _write_all(self) -> None:
        self._start()
        while (record := self._waiting.get()) is not None:
            try:
                if problem := self._write(record):
                    self._miss(problem)
            except (OSError, ValueError) as error:  # the process was killed; the next trace starts another
                self._miss(f"the process that writes traces ended ({error})")
                self._process = None

    def _write(self, record: TraceRecord) -> str:
        """Sends a record, and returns what the process says about it: "" if it is written."""
        process = self._process
        if process is None or process.poll() is not None:
            process = self._start()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(record.to_json() + b"\n")
        process.stdin.flush()
        said = process.stdout.readline()
        if not said:
            raise OSError("no answer")
        return said.decode(errors="replace").strip()

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that Ctrl-C ends it by the end of its input
        )
        return self._process

    def _miss(self, problem: str) -> None:
        self.missing += 1
        if problem != self.problem:
            _log.warning("trace: not written, %s", problem)
        self.problem = problem
