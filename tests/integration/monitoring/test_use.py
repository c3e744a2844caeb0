"""Use as it is read from real tables: complete, of an earlier version, and missing; next steps, written and done."""

from datetime import UTC, datetime, timedelta

import numpy as np

from ragops.answers.llms.ledger.calls import CALLS
from ragops.monitoring.next_steps import NEXT_STEPS, Proposal, read_steps, update_steps, write_steps
from ragops.monitoring.system.answers import ADDED, COLUMNS, read_answers
from ragops.monitoring.system.records import read_waiting
from ragops.monitoring.system.use import (
    CALL_COLUMNS,
    FEEDBACK_COLUMNS,
    read_calls,
    read_feedback,
    read_judgments,
)
from ragops.platform.tables import Table
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.feedback.files import record_answer
from ragops.quality.feedback.rows import ANSWERS, EVALUATION, FEEDBACK, FeedbackRow
from tests.support.feedback import an_answer

NOW = datetime.now(UTC).replace(microsecond=0)
SINCE, RECENT = NOW - timedelta(days=15), NOW - timedelta(days=1)


def write(workspace: Workspace, table: Table, *rows: object) -> None:
    table.create(workspace)
    values = [tuple(getattr(row, name) for name in table.names) for row in rows]
    frame = workspace.spark.createDataFrame(values, table.schema)
    frame.writeTo(workspace.table(table.name)).append()


def encode(texts: list[str]) -> np.ndarray:
    return np.ones((len(texts), 3), np.float32)


def test_a_schema_without_tables_has_no_rows_and_all_columns(workspace: Workspace) -> None:
    answers = read_answers(workspace, SINCE, NOW, RECENT, 100, encode).frame
    assert answers.empty and set(answers.columns) == {*COLUMNS, *ADDED}
    assert tuple(read_calls(workspace, SINCE, NOW).frame.columns) == CALL_COLUMNS
    assert tuple(read_feedback(workspace, SINCE, NOW).frame.columns) == FEEDBACK_COLUMNS
    assert read_judgments(workspace, SINCE, NOW, answers).frame.empty
    assert read_waiting(workspace).files == 0


def test_answers_to_people_and_the_latest_verdict_of_each(workspace: Workspace) -> None:
    hour = timedelta(hours=1)
    mine = an_answer(asked_at=NOW - hour, groups=["docs"], similarities=[0.5], failed=[], evidence=0.5)
    others = (an_answer(asked_at=NOW - hour, who=EVALUATION), an_answer(asked_at=NOW + 9 * hour))
    write(workspace, ANSWERS, mine, an_answer(asked_at=SINCE - hour), *others)
    found = read_answers(workspace, SINCE, NOW, RECENT, 100, encode)
    assert found.frame["answer_id"].tolist() == [mine.answer_id] and found.state.future == 1
    row = found.frame.iloc[0]
    assert (list(row["groups"]), row["evidence"], list(row["vector"])) == (["docs"], 0.5, [1, 1, 1])
    assert row["asked_at"].to_pydatetime() == mine.asked_at and row["paths"] is None  # there are no chunks
    verdicts = [
        FeedbackRow(verdict_id=f"{number}", answer_id=mine.answer_id, verdict=verdict, reason=None, comment=None,
                    who="me", given_at=NOW - number * hour / 60, known_answer=True, question="q", chain_name=None,
                    chain_version=None, generation=None, passages=None, cited=None, trace_id=None, traced_at=None)
        for number, verdict in enumerate(("down", "up"), start=1)
    ]  # fmt: skip
    write(workspace, FEEDBACK, *verdicts)
    assert read_feedback(workspace, SINCE, NOW).frame["verdict"].tolist() == ["down"]


def test_a_table_of_an_earlier_version_has_nulls(workspace: Workspace) -> None:
    new = {"evidence", "support", "failed", "groups", "similarities", "retrieve_seconds", "queue_seconds"}
    old = Table(ANSWERS.name, ANSWERS.comment, ANSWERS.key, tuple(c for c in ANSWERS.columns if c.name not in new))
    write(workspace, old, an_answer(asked_at=NOW))
    found = read_answers(workspace, SINCE, NOW, RECENT, 100, None)
    assert set(found.state.missing) >= new and found.frame[sorted(new)].isna().all().all()
    ANSWERS.create(workspace)  # what collecting does
    assert not read_answers(workspace, SINCE, NOW, RECENT, 100, None).state.missing


def test_files_that_nobody_has_collected(workspace: Workspace) -> None:
    record_answer(workspace.volume(LEDGER), an_answer(asked_at=NOW))
    waiting = read_waiting(workspace)
    assert (waiting.files, dict(waiting.by_folder)) == (1, {"answers": 1}) and waiting.oldest is not None
    CALLS.create(workspace)
    assert read_calls(workspace, SINCE, NOW).frame.empty


def test_next_steps_are_proposed_once_and_done(workspace: Workspace) -> None:
    assert read_steps(workspace) == []
    group = Proposal("documents", "harbour", "Look for a missing document about harbour", "why", ("a", "b"), 2)
    write_steps(workspace, update_steps([], [group], NOW))
    (first,) = read_steps(workspace)
    assert (first.questions, first.proposed_at, first.people) == (["a", "b"], NOW, 2)
    write_steps(workspace, update_steps(read_steps(workspace), [group], NOW + timedelta(hours=1)))
    assert [(one.step_id, one.proposed_at) for one in read_steps(workspace)] == [(first.step_id, NOW)]
    write_steps(workspace, update_steps(read_steps(workspace), [], NOW + timedelta(hours=2)))
    assert read_steps(workspace) == [] and NEXT_STEPS.read(workspace).count() == 1
