"""Traces of answers: queued, written by another process, counted where they are missing."""

import sys
import time
from collections.abc import Callable, Iterator

import pytest
from mlflow.tracing.utils.otlp import should_use_otlp_exporter

from ragops.answers.chain.trace_record import TraceRecord
from ragops.serving.server import traces as module
from ragops.serving.server.trace_process import keep_from_collector
from ragops.serving.server.traces import Traces

ECHO = """
import sys
print(flush=True)
for line in sys.stdin:
    print("" if "fine" in line else "store: locked", flush=True)
"""
DIES = "import sys; print(flush=True); sys.stdin.readline(); sys.exit(1)"
HANGS = "import sys, time; print(flush=True); sys.stdin.readline(); time.sleep(600)"
SLOW = "import sys, time; time.sleep(600)"
ABSENT = "raise SystemExit(1)"

Open = Callable[[str], Traces]


@pytest.fixture
def opened() -> Iterator[Open]:
    made: list[Traces] = []

    def traces(program: str) -> Traces:
        made.append(Traces([sys.executable, "-c", program]))
        return made[-1]

    yield traces
    for one in made:
        one.close()


def test_a_collector_of_metrics_gets_no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("MLFLOW_ENABLE_OTLP_EXPORTER", raising=False)
    assert should_use_otlp_exporter()
    monkeypatch.setenv("MLFLOW_ENABLE_OTLP_EXPORTER", "")  # so that it is taken back
    monkeypatch.delenv("MLFLOW_ENABLE_OTLP_EXPORTER")
    keep_from_collector()
    assert not should_use_otlp_exporter()


def ask(traces: Traces, question: str) -> None:
    steps = traces.open(texts=True, question=question)
    with steps.step("retrieve", "RETRIEVER"):
        pass
    steps.end(answer="At twenty to eight.")


def until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.01)


def test_what_the_process_cannot_write_is_counted_with_the_reason(opened: Open) -> None:
    traces = opened(ECHO)
    for question in ("fine", "wrong", "fine", "wrong"):
        ask(traces, question)
    until(lambda: traces.missing == 2)
    assert traces.problem == "store: locked"


@pytest.mark.parametrize("program", [DIES, ABSENT])
def test_a_process_that_ends_is_started_again_for_the_next_trace(program: str, opened: Open) -> None:
    traces = opened(program)
    ask(traces, "fine")
    until(lambda: traces.missing == 1)
    ask(traces, "fine")
    until(lambda: traces.missing == 2)
    assert "process" in traces.problem


def test_a_process_that_hangs_is_ended(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WRITE_S", 0.2)
    traces = opened(HANGS)
    ask(traces, "fine")
    until(lambda: traces.missing == 1)
    assert "does not answer" in traces.problem
    assert traces._process is not None and traces._process.poll() is not None


def test_more_traces_than_can_wait_are_counted(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 3)
    traces = opened(SLOW)
    for _ in range(5):
        ask(traces, "fine")
    assert traces.missing == 2


def test_traces_of_confidential_documents_contain_no_texts(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[TraceRecord] = []
    traces = opened(ECHO)
    monkeypatch.setattr(traces, "_put", found.append)
    traces.open(texts=False, question="salaries").end(answer="41 doubloons")
    assert b"salaries" not in found[0].to_json() and b"doubloons" not in found[0].to_json()


def test_closing_writes_what_waits_and_ends_the_process(opened: Open) -> None:
    traces = opened(ECHO)
    ask(traces, "wrong")
    until(lambda: traces.missing == 1)
    traces.close()
    assert traces._process is not None and traces._process.poll() is not None
