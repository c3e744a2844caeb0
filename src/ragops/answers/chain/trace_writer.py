"""The program that writes a `TraceRecord` to MLflow: `python -m ragops.answers.chain.trace_writer TARGET EXPERIMENT`.

`ragops ask` starts it first: it imports MLflow and opens the store, 1.4 s on a core of its own, while the question is
being answered. Then it reads the record from standard input. It prints nothing unless it fails: then one line.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from ragops.answers.chain.trace_record import RecordedSpan, TraceRecord
from ragops.errors import UserError
from ragops.platform.mlflow_store import open_experiment
from ragops.text import one_line

if TYPE_CHECKING:
    from mlflow.entities import LiveSpan

# MLflow imports them if they are installed, 0.35 s, and writes a trace without them.
_UNUSED = ("pandas", "pyspark")
_SETTINGS = {
    # Its background thread would be waited for at the end, a second.
    "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
    # Spans come from the process-wide provider, which gives the trace the id in the record.
    "MLFLOW_USE_DEFAULT_TRACER_PROVIDER": "false",
}


class _RecordedId(RandomIdGenerator):
    trace_id = ""

    def generate_trace_id(self) -> int:
        return int(self.trace_id.removeprefix("tr-"), 16)


_IDS = _RecordedId()  # a process has one provider for all its traces


def write(record: TraceRecord) -> None:
    """Writes a trace into the open experiment, under its own id and with its own times. One at a time in a process."""
    import mlflow

    if not _IDS.trace_id:
        trace.set_tracer_provider(TracerProvider(id_generator=_IDS))
    _IDS.trace_id = record.trace_id
    answer, *steps = record.spans
    root = mlflow.start_span_no_context(
        answer.name, span_type=answer.kind, inputs=answer.inputs, start_time_ns=answer.started
    )
    for step in steps:
        span = mlflow.start_span_no_context(
            step.name, span_type=step.kind, parent_span=root, inputs=step.inputs, start_time_ns=step.started
        )
        _end(span, step)
    _end(root, answer)


def _end(span: LiveSpan, recorded: RecordedSpan) -> None:
    span.set_attributes(recorded.attributes)
    if recorded.error is not None:
        span.record_exception(recorded.error)
    status = "OK" if recorded.error is None else "ERROR"
    span.end(outputs=recorded.outputs, status=status, end_time_ns=recorded.ended)


def open_store(target: str, experiment: str) -> None:
    """Opens the experiment in a process that does nothing but write traces. Raises UserError as `open_experiment`."""
    modules: dict[str, Any] = sys.modules
    modules |= dict.fromkeys(_UNUSED)  # as if they were not installed
    os.environ |= _SETTINGS
    open_experiment(experiment, target)


def main(target: str, experiment: str) -> int:
    """Waits for a record and writes it; without one, as after a question that was refused, does nothing."""
    try:
        open_store(target, experiment)
        if content := sys.stdin.buffer.read():
            write(TraceRecord.model_validate_json(content))
    except Exception as error:  # the answer is there, so any problem is reported in one line
        print(error if isinstance(error, UserError) else one_line(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)  # Python would take 0.2 s to take everything apart
