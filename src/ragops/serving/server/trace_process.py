"""The program that writes the server's traces: `python -m ragops.serving.server.trace_process TARGET EXPERIMENT`.

It reads a `TraceRecord` a line from standard input and prints a line for each: empty, or why it is not written. It is a
process of its own, because MLflow takes 0.1 s of a core for a trace, and retries for minutes if its store is gone.
"""

from __future__ import annotations

import logging
import os
import sys

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
    """Writes records until the end of the input; opens the store again before a record where that failed."""
    warnings = _Warnings()
    logging.getLogger("mlflow.tracing.export").addHandler(warnings)
    logging.getLogger("mlflow").propagate = False
    opened = False
    for line in sys.stdin.buffer:
        warnings.newest = ""
        try:
            if not opened:
                open_store(target, experiment)
                opened = True
            write(TraceRecord.model_validate_json(line))
        except Exception as error:  # whatever it is, the next trace may be written
            warnings.newest = str(error) if isinstance(error, UserError) else one_line(error, 300)
        print(warnings.newest, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # Python would take 0.2 s to take everything apart
