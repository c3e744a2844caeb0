"""The trace of an answer at the prompt: written by a second process, which starts before the answer is there."""

from __future__ import annotations

import subprocess
import sys
from typing import Self

from ragops.answers.chain.trace_record import TraceRecord
from ragops.platform.deployment import deployed_experiment
from ragops.text import one_line


class TraceWriter:
    """A process that imports MLflow while this one answers: one after the other would take 1.5 s longer.

    It ends with the `with` block, and by itself if this process is killed, since it then reads the end of its input.
    """

    def __init__(self, target: str) -> None:
        """Starts the process. Raises UserError if the target has never been run here."""
        program = "ragops.answers.chain.trace_writer"
        self._process = subprocess.Popen(
            [sys.executable, "-m", program, target, deployed_experiment(target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that Ctrl-C ends it by the end of its input
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Ends the process if it has written nothing; it loses nothing then."""
        with self._process:
            self._process.terminate()

    def write(self, record: TraceRecord) -> str:
        """Waits until the trace is written; returns why it could not be, else ""."""
        _, messages = self._process.communicate(record.to_json())
        if self._process.returncode == 0:
            return ""
        return one_line((messages.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1])
