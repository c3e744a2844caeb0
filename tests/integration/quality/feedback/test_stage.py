"""Answers and verdicts on real Delta: collected exactly once, joined with each other, written on their traces."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Assessment

from ragops.platform.collected import UNREADABLE
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.assessments import NAME, write_assessments
from ragops.quality.feedback.files import FEEDBACK_FOLDER, answer_file, record_answer, record_verdict
from ragops.quality.feedback.rows import ANSWERS, FEEDBACK, AnswerRow, FeedbackRow
from ragops.quality.feedback.stage import merge_answers, merge_feedback
from tests.support.feedback import a_verdict, an_answer


def rows(workspace: Workspace) -> dict[str, FeedbackRow]:
    return {row["verdict_id"]: FeedbackRow(**row.asDict()) for row in FEEDBACK.read(workspace).collect()}


def waiting(ledger: Path) -> list[str]:
    """The files that are not collected."""
    return sorted(str(file.relative_to(ledger)) for file in ledger.rglob("*.json"))


def a_trace() -> str:
    span = mlflow.start_span_no_context("answer", inputs={"question": "q"})
    span.end(outputs="a")
    mlflow.flush_trace_async_logging()
    return str(span.trace_id)


def assessments(trace_id: str) -> list[Assessment]:
    trace = mlflow.get_trace(trace_id)
    assert trace is not None
    return sorted(trace.info.assessments, key=lambda one: one.create_time_ms)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """The database is locked; others wait 50 ms for it instead of the 5 seconds of SQLAlchemy's driver."""
    with closing(sqlite3.connect(file, isolation_level=None)) as lock, pytest.MonkeyPatch.context() as patch:
        lock.execute("BEGIN EXCLUSIVE")
        patch.setattr(sqlite3.dbapi2, "connect", partial(sqlite3.connect, timeout=0.05))
        yield
        lock.execute("ROLLBACK")


def test_a_verdict_is_collected_once_with_its_answer(workspace: Workspace, ledger: Path) -> None:
    answer = an_answer()
    verdict = a_verdict(answer, comment="'); DROP TABLE answers; -- \\ 😀")
    record_answer(ledger, answer)
    record_verdict(ledger, verdict)
    copies = {file: (ledger / file).read_bytes() for file in waiting(ledger)}
    assert (merge_answers(workspace).added, merge_feedback(workspace).added) == (1, 1)
    assert waiting(ledger) == []
    for file, content in copies.items():  # as if a run was killed before it removed them
        (ledger / file).write_bytes(content)
    assert (merge_answers(workspace).added, merge_feedback(workspace).added) == (0, 0)
    assert waiting(ledger) == []
    (found,) = rows(workspace).values()
    assert (found.comment, found.verdict, found.reason, found.who) == (verdict.comment, "down", "wrong", "reader@firm")
    assert found.given_at.astimezone(UTC) == verdict.given_at
    assert (found.known_answer, found.question, found.passages) == (True, answer.question, answer.passages)
    (row,) = ANSWERS.read(workspace).collect()
    assert AnswerRow(**row.asDict() | {"asked_at": answer.asked_at}) == answer


def test_a_verdict_is_kept_until_its_answer_comes(workspace: Workspace, ledger: Path) -> None:
    answer, unknown = an_answer(), a_verdict()
    verdict = a_verdict(answer)
    for one in (verdict, unknown):
        record_verdict(ledger, one)
    merge_answers(workspace)
    assert merge_feedback(workspace).added == 2
    assert [(one.known_answer, one.question) for one in rows(workspace).values()] == [(False, None)] * 2
    record_answer(ledger, answer)
    merge_answers(workspace)
    assert merge_feedback(workspace).changed == 1
    found = rows(workspace)
    assert (found[verdict.verdict_id].known_answer, found[unknown.verdict_id].known_answer) == (True, False)
    assert found[verdict.verdict_id].cited == answer.cited
    assert merge_feedback(workspace).idle


def test_the_first_of_two_verdicts_with_one_id_counts(workspace: Workspace, ledger: Path) -> None:
    verdict = a_verdict()
    record_verdict(ledger, verdict)
    merge_answers(workspace)
    merge_feedback(workspace)
    again = verdict.model_copy(update={"given_at": verdict.given_at + timedelta(hours=1)})
    record_verdict(ledger, again)
    report = merge_feedback(workspace)
    assert (report.read, report.failed, waiting(ledger)) == (1, 0, [])
    record_verdict(ledger, again.model_copy(update={"verdict": "up"}))
    assert merge_feedback(workspace).failed == 1
    assert waiting(ledger) == [f"{UNREADABLE}/{FEEDBACK_FOLDER}/{verdict.verdict_id}.json"]
    (found,) = rows(workspace).values()
    assert (found.verdict, found.given_at.astimezone(UTC)) == ("down", verdict.given_at)


def test_files_that_are_no_verdicts_do_not_stop_the_others(workspace: Workspace, ledger: Path) -> None:
    verdict, torn, copied = a_verdict(), a_verdict(), a_verdict()
    record_verdict(ledger, verdict)
    folder = ledger / FEEDBACK_FOLDER
    (folder / f"{torn.verdict_id}.json").write_bytes(torn.model_dump_json().encode()[:50])
    (folder / "copied.json").write_text(copied.model_dump_json())
    (folder / "other.json").write_text('{"verdict": "up"}')
    (folder / "notes.txt").write_text("not ours")
    (folder / "folder.json").mkdir()
    merge_answers(workspace)
    report = merge_feedback(workspace)
    assert (report.added, report.failed, rows(workspace).keys()) == (1, 2, {verdict.verdict_id})
    assert sorted(file.name for file in (ledger / UNREADABLE / FEEDBACK_FOLDER).iterdir()) == [
        "copied.json",
        "other.json",
    ]
    assert "1 files unfinished" in report.note
    record_verdict(ledger, torn)  # its sender tries again
    assert merge_feedback(workspace).added == 1
    assert rows(workspace).keys() == {verdict.verdict_id, torn.verdict_id}


def test_a_verdict_is_written_once_on_its_trace_when_the_store_is_not_locked_any_more(
    workspace: Workspace, ledger: Path, traced: None, home: Path
) -> None:
    answer = an_answer(trace_id=a_trace())
    verdict = a_verdict(answer)
    record_answer(ledger, answer)
    record_verdict(ledger, verdict)
    merge_answers(workspace)
    merge_feedback(workspace)
    with locked(home / "mlflow" / "mlflow.db"):
        report = write_assessments(workspace)
    assert (report.read, report.changed) == (1, 0)
    assert "the tracking store does not answer" in report.note
    assert write_assessments(workspace).changed == 1
    (one,) = assessments(str(answer.trace_id))
    assert (one.name, one.feedback.value, one.source.source_type) == (NAME, False, "HUMAN")
    assert (one.source.source_id, one.rationale) == ("reader@firm", "It is wrong: It says the opposite.")
    assert one.metadata["verdict_id"] == verdict.verdict_id
    assert rows(workspace)[verdict.verdict_id].traced_at is not None
    assert write_assessments(workspace).read == 0
    # As if a run was killed after it wrote on the trace and before it noted the time.
    workspace.spark.sql(f"UPDATE {workspace.table('feedback')} SET traced_at = NULL")
    assert write_assessments(workspace).changed == 1
    assert len(assessments(str(answer.trace_id))) == 1


def test_a_change_of_mind_replaces_what_the_same_person_said(workspace: Workspace, ledger: Path, traced: None) -> None:
    answer = an_answer(trace_id=a_trace())
    first = a_verdict(answer, given_at=datetime.now(UTC) - timedelta(minutes=1))
    second = a_verdict(answer, verdict="up", reason=None, comment=None)
    other = a_verdict(answer, who="other@firm")
    record_answer(ledger, answer)
    for one in (second, other, first):
        record_verdict(ledger, one)
    merge_answers(workspace)
    assert merge_feedback(workspace).added == 3
    write_assessments(workspace)
    counting = {one.metadata["verdict_id"] for one in assessments(str(answer.trace_id)) if one.valid is not False}
    assert counting == {second.verdict_id, other.verdict_id}


def test_confidential_comments_are_not_written_on_traces(workspace: Workspace, ledger: Path, traced: None) -> None:
    answer = an_answer(trace_id=a_trace())
    record_answer(ledger, answer)
    record_verdict(ledger, a_verdict(answer))
    merge_answers(workspace)
    merge_feedback(workspace)
    write_assessments(workspace, texts=False)
    assert [one.rationale for one in assessments(str(answer.trace_id))] == ["It is wrong"]


def test_traces_that_come_later_get_their_verdicts_later(workspace: Workspace, ledger: Path, traced: None) -> None:
    late, old = an_answer(trace_id="tr-" + "0" * 32), an_answer(trace_id="tr-" + "1" * 32)
    for answer, age in ((late, 1), (old, 15)):
        record_answer(ledger, answer)
        record_verdict(ledger, a_verdict(answer, given_at=datetime.now(UTC) - timedelta(days=age)))
    merge_answers(workspace)
    merge_feedback(workspace)
    report = write_assessments(workspace)
    assert (report.read, report.changed, report.note) == (1, 0, "1 verdicts wait for their traces")
    trace_id = a_trace()
    workspace.spark.sql(
        f"UPDATE {workspace.table('feedback')} SET trace_id = '{trace_id}' WHERE trace_id = '{late.trace_id}'"
    )
    assert write_assessments(workspace).changed == 1
    assert len(assessments(trace_id)) == 1


def test_a_thousand_files_are_one_merge(workspace: Workspace, ledger: Path) -> None:
    answers = [an_answer() for _ in range(50)]
    verdicts = [a_verdict(answers[number % 50]) for number in range(1_000)]
    for answer in answers:
        answer_file(ledger, answer.answer_id).parent.mkdir(parents=True, exist_ok=True)
        answer_file(ledger, answer.answer_id).write_text(answer.model_dump_json())
    (ledger / FEEDBACK_FOLDER).mkdir()
    for verdict in verdicts:
        (ledger / FEEDBACK_FOLDER / f"{verdict.verdict_id}.json").write_text(verdict.model_dump_json())
    merge_answers(workspace)
    merge_feedback(workspace)
    found = rows(workspace)
    assert {key: row.answer_id for key, row in found.items()} == {one.verdict_id: one.answer_id for one in verdicts}
    assert all(row.known_answer for row in found.values())
    assert [
        f"{version['operation']}"
        for version in workspace.spark.sql(f"DESCRIBE HISTORY {workspace.table('feedback')}").collect()
    ].count("MERGE") == 2
