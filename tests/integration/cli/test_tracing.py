"""Traces written by a second process: complete, under their own ids, and no process is left."""

import json
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from ragops.answers.chain.trace_record import TraceRecord
from ragops.cli.tracing import TraceWriter


@pytest.fixture(autouse=True)
def deployed(client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace that has been run once."""
    resources = {"experiments": {"quality": {"name": "quality"}}}
    (tmp_path / "bundle.json").write_text(json.dumps({"resources": resources}))
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))


def made(error: Exception | None = None) -> TraceRecord:
    """A record with one step, which may have raised an error."""
    record = TraceRecord().open(question="When?")
    try:
        with record.step("retrieve", "RETRIEVER", groups=("hr",)) as step:
            step.set_attribute("evidence", 0.5)
            step.set_outputs([{"page_content": "At eight."}])
            if error:
                raise error
        record.end(answer="At eight [1].")
    except ValueError as raised:
        record.fail(raised)
    return record


def test_a_trace_has_the_recorded_id_times_and_texts(client: MlflowClient) -> None:
    record = made()
    with TraceWriter("dev") as writer:
        assert writer.write(record) == ""
    trace = client.get_trace(record.trace_id)
    found = [(span.name, span.span_type, span.start_time_ns, span.end_time_ns) for span in trace.data.spans]
    assert found == [(span.name, span.kind, span.started, span.ended) for span in record.spans]
    root, step = trace.data.spans
    assert (step.parent_id, step.attributes["evidence"]) == (root.span_id, 0.5)
    assert (step.inputs, step.outputs) == ({"groups": ["hr"]}, [{"page_content": "At eight."}])
    assert (root.inputs, root.outputs) == ({"question": "When?"}, {"answer": "At eight [1]."})
    assert client.get_experiment(trace.info.experiment_id).name == "quality"


def test_an_error_is_part_of_the_trace(client: MlflowClient) -> None:
    record = made(ValueError("no such group"))
    with TraceWriter("dev") as writer:
        assert writer.write(record) == ""
    spans = client.get_trace(record.trace_id).data.spans
    assert {span.status.status_code for span in spans} == {"ERROR"}
    assert {event.attributes["exception.message"] for span in spans for event in span.events} == {
        "ValueError: no such group"
    }


def test_a_store_that_is_none_is_the_reason(tmp_path: Path) -> None:
    (tmp_path / "mlflow" / "mlflow.db").write_bytes(b"no database at all" * 100)
    with TraceWriter("dev") as writer:
        reason = writer.write(made())
    assert "mlflow.db is damaged" in reason and "\n" not in reason


def test_no_process_is_left_of_a_question_without_an_answer() -> None:
    before = set(psutil.Process().children())
    with pytest.raises(ValueError, match="refused"), TraceWriter("dev"):
        (started,) = set(psutil.Process().children()) - before
        raise ValueError("refused")
    assert not started.is_running()
