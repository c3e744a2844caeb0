"""Nothing is lost and nothing counts twice: the server is killed with SIGKILL, the job is interrupted at every step."""

import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest

from ragops.platform import collected
from ragops.platform.volumes.mounted import MountedFiles
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.feedback import assessments, stage
from ragops.quality.feedback.files import record_answer, record_verdict
from ragops.quality.feedback.rows import FEEDBACK
from tests.support.feedback import a_verdict, an_answer
from tests.support.feedback_sessions import judge_while_killed, killed_server


class Interrupted(BaseException):
    """As if the process was killed: nothing in the library catches it."""


class Steps:
    """Counts the steps after which something is durable, and interrupts after one of them."""

    def __init__(self) -> None:
        self.left = 0

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any, **named: Any) -> Any:
            result = function(*given, **named)
            self.left -= 1
            if self.left < 0:
                raise Interrupted
            return result

        return step


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, traced: None) -> Steps:
    counted = Steps()
    merging = [(module, "merge") for module in (collected, stage, assessments)]
    for owner, name in (*merging, (MountedFiles, "remove"), (mlflow, "log_assessment")):
        monkeypatch.setattr(owner, name, counted.counted(getattr(owner, name)))
    return counted


def collect(workspace: Workspace) -> None:
    stage.merge_answers(workspace)
    stage.merge_feedback(workspace)
    assessments.write_assessments(workspace)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def test_a_job_that_is_interrupted_anywhere_counts_each_verdict_once(workspace: Workspace, steps: Steps) -> None:
    span = mlflow.start_span_no_context("answer")
    span.end()
    mlflow.flush_trace_async_logging()
    ledger, answer = workspace.volume(LEDGER), an_answer(trace_id=span.trace_id)
    given = [a_verdict(answer, who=f"{number}@firm") for number in range(2)]
    record_answer(ledger, answer)
    for one in given:
        record_verdict(ledger, one)
    interrupts = 0
    while True:
        steps.left = interrupts
        try:
            collect(workspace)
            break
        except Interrupted:
            interrupts += 1
    rows = FEEDBACK.read(workspace).collect()
    assert Counter(row["verdict_id"] for row in rows) == Counter(one.verdict_id for one in given)
    assert all(row["known_answer"] and row["traced_at"] for row in rows)
    trace = mlflow.get_trace(span.trace_id)
    assert trace is not None
    written = Counter(one.metadata["verdict_id"] for one in trace.info.assessments)
    assert written == Counter(one.verdict_id for one in given)
    assert interrupts > 3


def test_verdicts_of_a_server_that_is_killed_are_all_there_once(workspace: Workspace, tmp_path: Path) -> None:
    ledger = workspace.volume(LEDGER)
    with killed_server(ledger, free_port()) as server:
        found = judge_while_killed(server, sessions=6, verdicts=60, kills=3, seed=7)
    assert (len(found.sent), found.kills) == (60, 3)
    stage.merge_answers(workspace)
    stage.merge_feedback(workspace)
    rows = {row["verdict_id"]: row for row in FEEDBACK.read(workspace).collect()}
    assert rows.keys() == found.sent.keys()
    for key, body in found.sent.items():
        row, comment = rows[key], body["comment"] and body["comment"].strip()
        assert (row["answer_id"], row["verdict"], row["reason"]) == (body["answer_id"], body["verdict"], body["reason"])
        assert (row["comment"], row["known_answer"], row["who"]) == (comment, True, "jane")
