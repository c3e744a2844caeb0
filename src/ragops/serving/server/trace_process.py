"""The program that writes the server's traces: `python -m ragops.serving.server.trace_process TARGET EXPERIMENT`.

It opens the store and prints a line, then reads a `TraceRecord` a line from standard input and prints a line for each:
empty, or why it failed. It is a process of its own, because MLflow takes 0.1 s of a core for a trace, and minutes while
its store is locked: then this process is killed.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable

from ragops.answers.chain.trace_record import TraceRecord
from ragops.answers.chain.trace_writer import open_store, write
from ragops.errors import UserError
from ragops.text import one_line


class _Warnings(logging.Handler):
    """Keeps the newest warning: MLflow logs why it could not send a trace, and raises nothing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.newest = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.newest = one_line(record.getMessage(), 300)


def main(target: str, experiment: str) -> None:
    """Writes records until the end of the input. A store that cannot be opened is tried again for each record."""
    keep_from_collector()
    warnings = _Warnings()
    logging.getLogger("mlflow.tracing.export").addHandler(warnings)
    logging.getLogger("mlflow").propagate = False
    problem = _why_not(lambda: open_store(target, experiment))  # while the server starts: 1.4 s
    print(problem, flush=True)
    for line in sys.stdin.buffer:
        problem = problem and _why_not(lambda: open_store(target, experiment))
        print(problem or _written(line, warnings), flush=True)


def keep_from_collector() -> None:
    """Else a collector of the server's metrics (OTEL_EXPORTER_OTLP_ENDPOINT) gets the traces, not the experiment."""
    os.environ.setdefault("MLFLOW_ENABLE_OTLP_EXPORTER", "false")


def _written(line: bytes, warnings: _Warnings) -> str:
    warnings.newest = ""
    return _why_not(lambda: write(TraceRecord.model_validate_json(line))) or warnings.newest


def _why_not(action: Callable[[], None]) -> str:
    """Why something failed, in one line; "" if it did not. Whatever it is, the next trace may be written."""
    try:
        action()
    except Exception as error:
        return str(error) if isinstance(error, UserError) else one_line(error, 300) or type(error).__name__
    return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # Python would take 0.2 s to take everything apart
