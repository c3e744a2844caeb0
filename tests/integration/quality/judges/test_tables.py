"""Judgments in the table and on traces; answers to people drawn from the tables."""

from datetime import UTC, datetime

import mlflow
import pytest

from ragops.answers.llms.ledger.calls import CALLS, CallRow
from ragops.corpus.chunks.table import CHUNKS, ChunkRow
from ragops.errors import UserError
from ragops.platform.collected import add
from ragops.platform.merge import StageReport
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.feedback.rows import ANSWERS, EVALUATION
from ragops.quality.judges.answer import shown
from ragops.quality.judges.assessments import write_judgments
from ragops.quality.judges.files import JudgmentFiles
from ragops.quality.judges.live import live_answers
from ragops.quality.judges.rows import JUDGMENTS, Judgment
from ragops.quality.judges.run import judge_all
from ragops.quality.judges.stage import known_judgments, merge_judgments, past_judgments
from ragops.quality.judges.summary import summaries
from tests.support.feedback import an_answer
from tests.support.judging import answering, item, judges_at, verdicts
from tests.support.openai_double import Behavior, serving


def rows_of(workspace: Workspace) -> dict[str, Judgment]:
    return {row["judgment_id"]: Judgment(**row.asDict()) for row in JUDGMENTS.read(workspace).collect()}


def test_the_second_run_reads_the_table_and_calls_nothing(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="ragops judges run"):
        summaries(workspace)
    failing = iter([Behavior(status=500)])
    save = JudgmentFiles(workspace.volume(LEDGER)).save
    with serving(answer=lambda body: next(failing, Behavior(text=verdicts(body)))) as double:
        judges = judges_at(double.url)
        assert known_judgments(workspace, judges.judges) == {}
        items = [item(n) for n in range(3)]
        first = judge_all(items, judges, on_judgment=save)
        uncollected = known_judgments(workspace, judges.judges)
        merge_judgments(workspace)
        again = judge_all(items, judges, known=known_judgments(workspace, judges.judges), on_judgment=save)
        report = merge_judgments(workspace)
        before = len(double.bodies)
        third = judge_all(items, judges, known=known_judgments(workspace, judges.judges), on_judgment=save)
        copies = [item(n, answer_id=f"other{n}") for n in range(3)]
        for _ in range(2):  # the second time, the copies have rows as well
            others = judge_all(copies, judges, known=known_judgments(workspace, judges.judges), on_judgment=save)
            merge_judgments(workspace)
    assert {one.judgment_id for one in first.judgments} <= set(uncollected), "files count before they are collected"
    assert (again.calls, again.counts()["scored"]) == (1, first.planned)
    assert (report.added, report.changed) == (0, 1), "the error was replaced"
    assert len(double.bodies) == before and third.calls == others.calls == 0
    saved = rows_of(workspace)
    assert len(saved) == 2 * first.planned
    assert sum(one.cost for one in saved.values()) == pytest.approx(first.cost + again.cost)
    assert {one.cached for one in saved.values()} == {False, True}
    assert len(past_judgments(workspace, "judge")) == first.planned
    found = {one.judge: one for one in summaries(workspace)}
    assert found["groundedness"].judgments == found["groundedness"].scored == 6


def test_judgments_are_assessments_of_the_answers_traces(workspace: Workspace, traced: None) -> None:
    span = mlflow.start_span_no_context("answer")
    span.end()
    mlflow.flush_trace_async_logging()
    one = item(1, trace_id=span.trace_id)
    save = JudgmentFiles(workspace.volume(LEDGER)).save
    replies = iter([Behavior(text="I would say so.")])
    with serving(answer=lambda body: next(replies, Behavior(text=verdicts(body, "partly")))) as double:
        judge_all([one], judges_at(double.url, "answer_relevance"), on_judgment=save)
        others = [one, item(2, trace_id="tr-unknown")]
        judge_all(others, judges_at(double.url, "groundedness"), on_judgment=save)
    merge_judgments(workspace)
    report = write_judgments(workspace)
    assert (report.read, report.changed) == (3, 2)
    assert "1 judgments wait for their traces" in report.note
    write_judgments(workspace)
    trace = mlflow.get_trace(span.trace_id, flush=True)
    assert trace is not None
    found = {one.name: one for one in trace.info.assessments}
    assert len(trace.info.assessments) == 2, "written once"
    assert {one.source.source_type for one in trace.info.assessments} == {"LLM_JUDGE"}
    unparsed, grounded = found["answer_relevance"], found["groundedness"]
    assert unparsed.value is None and unparsed.error.error_code == "UNPARSED"
    assert (grounded.value, grounded.rationale) == (0.5, "It is said in the first passage.")
    assert grounded.metadata["verdict"] == "partly" and float(grounded.metadata["mlflow.assessment.judgeCost"]) > 0


def test_a_judgment_made_again_replaces_the_error_on_the_trace(workspace: Workspace, traced: None) -> None:
    span = mlflow.start_span_no_context("answer")
    span.end()
    mlflow.flush_trace_async_logging()
    save = JudgmentFiles(workspace.volume(LEDGER)).save
    failing = iter([Behavior(status=500)])
    with serving(answer=lambda body: next(failing, Behavior(text=verdicts(body)))) as double:
        judges = judges_at(double.url, "answer_relevance")
        for _ in range(2):
            known = known_judgments(workspace, judges.judges)
            judge_all([item(1, trace_id=span.trace_id)], judges, known=known, on_judgment=save)
            merge_judgments(workspace)
            write_judgments(workspace, texts=False)
    trace = mlflow.get_trace(span.trace_id, flush=True)
    assert trace is not None
    (valid,) = [one for one in trace.info.assessments if one.valid is not False]
    assert (valid.value, valid.error, valid.rationale) == (1.0, None, None), "confidential texts stay out of traces"
    assert any(one.error and one.error.error_code == "ERROR" for one in trace.info.assessments)


def test_a_share_of_the_answers_to_people_is_drawn_the_same_way_each_time(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="localbundle run collect_calls"):
        live_answers(workspace, 0.5)
    chunks = [
        ChunkRow(
            chunk_id=f"chunk-{n}",
            doc_id="d",
            ordinal=n,
            title="Files",
            path="io.md",
            heading_path=[],
            text=f"open() opens a file {n}.",
            embedded_text="",
            tokens=5,
            text_hash="",
            source_version="",
        )
        for n in (1, 2, 3)
    ]
    answers = [
        an_answer(answer_id=f"resp_{n:032x}", numbers=[1, 1, 2], passages=[f"chunk-{m}" for m in (1, 2, 3)])
        for n in range(200)
    ]
    answers += [an_answer(answer_id=f"resp_{n:032x}", who=EVALUATION) for n in range(900, 910)]
    answers += [an_answer(answer_id=f"resp_{999:032x}", passages=["gone"], numbers=[1])]
    answers[0] = answers[0].model_copy(update={"trace_id": "tr-1"})
    calls = [_call("tr-1", "ask", 0.25), _call("tr-1", "rewrite", 0.25), _call("tr-1", "judge", 9.0)]
    for table, rows in ((CHUNKS, chunks), (ANSWERS, answers), (CALLS, calls)):
        table.create(workspace)
        add(workspace, table, rows, StageReport("test"))
    every = live_answers(workspace, 1.0)
    assert (len(every.items), every.total, every.incomplete) == (200, 201, 1)
    some = live_answers(workspace, 0.2)
    assert 20 <= len(some.items) <= 60
    more = live_answers(workspace, 0.5)
    assert {one.answer_id for one in some.items} < {one.answer_id for one in more.items}
    assert live_answers(workspace, 0.2) == some
    assert live_answers(workspace, 0.0).items == ()
    first = next(one for one in every.items if one.trace_id)
    assert first.cost == 0.5, "what judging it cost is not what answering it cost"
    assert first.passages == (
        shown("Files", "io.md", "open() opens a file 1.\nopen() opens a file 2."),
        shown("Files", "io.md", "open() opens a file 3."),
    )
    with serving(answer=answering) as double:
        bill = judge_all(some.items, judges_at(double.url))
    assert bill.calls == 3, "two hundred equal answers to one question"


def _call(trace: str, purpose: str, cost: float) -> CallRow:
    return CallRow(
        call_id=f"{trace}-{purpose}",
        called_at=datetime.now(UTC),
        who="w",
        purpose=purpose,
        model="m",
        provider="scripted",
        prompt_name=None,
        prompt_version=None,
        seconds=0.1,
        attempts=1,
        outcome="answered",
        trace_id=trace,
        cost=cost,
    )
