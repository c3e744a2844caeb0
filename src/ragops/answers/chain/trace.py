"""The chain's steps as spans of an MLflow trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from ragops.answers.llms.errors import kind_and_status

if TYPE_CHECKING:
    from mlflow.entities import LiveSpan


class Span(Protocol):
    """One step of an answer."""

    def set_attribute(self, name: str, value: object, /) -> None:
        """Adds a fact about the step."""

    def set_outputs(self, value: object, /) -> None:
        """Sets the step's result."""


class Steps(Protocol):
    """What a chain needs of a trace: `Trace`, or a `TraceRecord` that is written later."""

    @property
    def trace_id(self) -> str | None:
        """MLflow's id of the trace; None while tracing is off."""

    def step(self, name: str, kind: str, **inputs: object) -> AbstractContextManager[Span]:
        """One step as a span; an exception in it is recorded."""

    def end(self, **outputs: object) -> None:
        """Ends the trace with its outputs."""

    def fail(self, error: BaseException) -> None:
        """Ends the trace with the error."""


class Trace:
    """The trace of one answer: a root span with a child for each step.

    Spans have explicit parents instead of MLflow's context, because a streamed answer is interleaved with its
    consumer's own spans.
    """

    def __init__(self, **inputs: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Starts the trace, below the caller's active span if there is one. `inputs` are recorded on the root span."""
        import mlflow

        self._start = mlflow.start_span_no_context
        above = mlflow.get_current_active_span()
        self._root: LiveSpan = self._start("answer", span_type="CHAIN", parent_span=above, inputs=inputs)

    @property
    def trace_id(self) -> str | None:
        """MLflow's id of the trace; None while tracing is off."""
        trace_id: str = self._root.trace_id
        return None if trace_id.startswith("MLFLOW_NO_OP") else trace_id

    @contextmanager
    def step(self, name: str, kind: str, **inputs: Any) -> Iterator[LiveSpan]:  # noqa: ANN401
        """One step as a span; an exception in it is recorded."""
        span = self._start(name, span_type=kind, parent_span=self._root, inputs=inputs)
        try:
            yield span
        except BaseException as error:
            span.record_exception(_described(error))
            span.end(status="ERROR")
            raise
        span.end()

    def end(self, **outputs: Any) -> None:  # noqa: ANN401
        """Ends the trace with its outputs."""
        self._root.end(outputs=outputs)

    def fail(self, error: BaseException) -> None:
        """Ends the trace with the error."""
        self._root.record_exception(_described(error))
        self._root.end(status="ERROR")


def without_texts(span: LiveSpan) -> None:
    """Removes inputs and outputs from a span: MLflow's span processor for confidential documents."""
    span.set_inputs(None)
    span.set_outputs(None)


def _described(error: BaseException) -> str:
    from mlflow.tracing.config import get_config

    return described(error, texts=without_texts not in get_config().span_processors)


def described(error: BaseException, *, texts: bool) -> str:
    """An error for a trace; without its message if traces hold no texts.

    A server's message may repeat the prompt, and span processors cannot remove it: exceptions are events, not inputs
    or outputs.
    """
    return f"{type(error).__name__}: {error}" if texts else kind_and_status(error)
