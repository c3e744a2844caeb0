"""The trace of one answer as data, for a process that has no time to import MLflow: written by `trace_writer`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel

from ragops.answers.chain.trace import described


class RecordedSpan(BaseModel):
    """One step: times in nanoseconds since the epoch; `error` if it raised."""

    name: str
    kind: str
    inputs: Any = None
    outputs: Any = None
    attributes: dict[str, Any] = {}
    error: str | None = None
    started: int
    ended: int = 0

    def set_attribute(self, name: str, value: object) -> None:
        """Adds a fact about the step."""
        self.attributes[name] = value

    def set_outputs(self, value: object) -> None:
        """Sets the step's result."""
        self.outputs = value


class TraceRecord(BaseModel):
    """The spans of one answer: the root first, the others below it.

    Example:
        >>> record = TraceRecord()
        >>> chain = open_chain(use_case, locations, record=record)
        >>> chain.answer(Query("When are default parameter values evaluated?"))
        >>> record.to_json()
    """

    trace_id: str = ""
    texts: bool = True
    spans: list[RecordedSpan] = []

    def open(self, *, texts: bool = True, **inputs: object) -> TraceRecord:
        """Starts the trace under a new id. `texts`: whether it may contain inputs and outputs."""
        self.trace_id, self.texts = f"tr-{os.urandom(16).hex()}", texts
        self.spans = [self._start("answer", "CHAIN", inputs)]
        return self

    @contextmanager
    def step(self, name: str, kind: str, **inputs: object) -> Iterator[RecordedSpan]:
        """One step as a span; an exception in it is recorded."""
        span = self._start(name, kind, inputs)
        self.spans.append(span)
        try:
            yield span
        except BaseException as error:
            self._end(span, error)
            raise
        self._end(span)

    def end(self, **outputs: object) -> None:
        """Ends the trace with its outputs."""
        self.spans[0].outputs = outputs
        self._end(self.spans[0])

    def fail(self, error: BaseException) -> None:
        """Ends the trace with the error."""
        self._end(self.spans[0], error)

    def to_json(self) -> bytes:
        """For `trace_writer`; values that JSON cannot hold as text."""
        return json.dumps(self.model_dump(exclude={"texts"}), default=str).encode()

    def _start(self, name: str, kind: str, inputs: dict[str, object]) -> RecordedSpan:
        return RecordedSpan(name=name, kind=kind, inputs=inputs, started=time.time_ns())

    def _end(self, span: RecordedSpan, error: BaseException | None = None) -> None:
        span.ended = time.time_ns()
        if error is not None:
            span.error = described(error, texts=self.texts)
        if not self.texts:
            span.inputs = span.outputs = None
