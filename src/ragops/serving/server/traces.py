"""Traces of answers: queued when an answer ends, written by a second process, and counted where they are missing."""

from __future__ import annotations

import logging
import queue
import selectors
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from pydantic import PrivateAttr

from ragops.answers.chain.trace import Steps
from ragops.answers.chain.trace_record import TraceRecord
from ragops.text import reason

_log = logging.getLogger(__name__)

_MOST_WAITING = 1_000  # of some 30 KB each
_START_S, _WRITE_S = 60.0, 10.0
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

    def __init__(self, command: Sequence[str]) -> None:
        """Starts the process that writes them: `writer` gives its command."""
        self._command = command
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
        if self._process is not None:
            self._end(self._process)

    def _put(self, record: TraceRecord) -> None:
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self._miss(f"{_MOST_WAITING:,} traces wait to be written")

    def _write_all(self) -> None:
        self._writer()
        while (record := self._waiting.get()) is not None:
            if problem := self._write(record):
                self._miss(problem)

    def _write(self, record: TraceRecord) -> str:
        """Has a record written; returns why it was not, else ""."""
        writer = self._writer()
        if writer is None:
            return "the process that writes traces does not start"
        try:
            assert writer.stdin is not None
            writer.stdin.write(record.to_json() + b"\n")
            writer.stdin.flush()
            said = _line(writer, _WRITE_S)
        except (OSError, EOFError) as error:
            said = f"the process that writes traces ended ({reason(error)})"
        if said is None:  # MLflow tries each span again and again while its database is locked
            said = f"MLflow's store does not answer within {_WRITE_S:.0f} s"
            self._end(writer)
        return said

    def _writer(self) -> subprocess.Popen[bytes] | None:
        """The process, started if there is none; None if it does not start."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # so that Ctrl-C ends it by the end of its input
            )
            try:
                started = _line(self._process, _START_S) is not None
            except EOFError:
                started = False
            if not started:
                self._end(self._process)
                return None
        return self._process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def _miss(self, problem: str) -> None:
        self.missing += 1
        if problem != self.problem:
            _log.warning("trace: not written, %s", problem)
        self.problem = problem


def writer(target: str, experiment: str) -> list[str]:
    """The command of the process that writes into a target's experiment."""
    return [sys.executable, "-m", _PROGRAM, target, experiment]


def _line(process: subprocess.Popen[bytes], seconds: float) -> str | None:
    """The next line that a process prints; None if none comes in this time."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(seconds):
            return None
    line = process.stdout.readline()
    if not line:
        raise EOFError("it printed nothing")
    return line.decode(errors="replace").strip()
