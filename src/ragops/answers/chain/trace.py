"""The chain's steps as spans of an MLflow trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ragops.answers.llms.errors import in_brief

if TYPE_CHECKING:
    from mlflow.entities import LiveSpan


class Steps:
    """The trace of one answer: a root, and a span under it for each step.

    Spans do not depend on the context, since an answer that is streamed is written between its reader's own steps.
    """

    def __init__(self, **inputs: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Begins the trace, below the span that is open where MLflow itself traces the caller."""
        import mlflow

        self._start = mlflow.start_span_no_context
        above = mlflow.get_current_active_span()
        self._root: LiveSpan = self._start("answer", span_type="CHAIN", parent_span=above, inputs=inputs)

    @property
    def trace_id(self) -> str | None:
        """MLflow's name of the trace; None while tracing is off."""
        trace_id: str = self._root.trace_id
        return None if trace_id.startswith("MLFLOW_NO_OP") else trace_id

    @contextmanager
    def step(self, name: str, kind: str, **inputs: Any) -> Iterator[LiveSpan]:  # noqa: ANN401
        """One step; an error raised in it marks its span."""
        span = self._start(name, span_type=kind, parent_span=self._root, inputs=inputs)
        try:
            yield span
        except BaseException as error:
            span.record_exception(_reported(error))
            span.end(status="ERROR")
            raise
        span.end()

    def end(self, **outputs: Any) -> None:  # noqa: ANN401
        """Ends the trace with what came out."""
        self._root.end(outputs=outputs)

    def fail(self, error: BaseException) -> None:
        """Ends the trace with the error."""
        self._root.record_exception(_reported(error))
        self._root.end(status="ERROR")


def without_texts(span: LiveSpan) -> None:
    """Takes from a span what was asked and answered: MLflow's processor for traces of confidential documents."""
    span.set_inputs(None)
    span.set_outputs(None)


def _reported(error: BaseException) -> str:
    """An error as a trace holds it: without its words where texts are kept out, since a server's may repeat the prompt.

    No processor can take these out: an error is no input, and no output.
    """
    from mlflow.tracing.config import get_config

    return in_brief(error) if without_texts in get_config().span_processors else f"{type(error).__name__}: {error}"
