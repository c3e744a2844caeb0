"""Verdicts read back from the tables, with their answers and passages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ragops.corpus.chunks.table import CHUNKS, ChunkRow
from ragops.errors import UserError
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.feedback.files import record_answer, record_verdict
from ragops.quality.feedback.review import Passage, verdicts
from ragops.quality.feedback.stage import merge_answers, merge_feedback
from tests.support.feedback import a_verdict, an_answer

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
CHUNK = ChunkRow(
    chunk_id="chunk-1",
    doc_id="d",
    ordinal=0,
    path="io.md",
    heading_path=[],
    text="open() opens a file.",
    embedded_text="",
    tokens=5,
    text_hash="",
    source_version="",
)


def test_of_each_person_and_answer_the_latest_verdict_counts(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="localbundle run collect_calls"):
        verdicts(workspace)
    ledger, answer = workspace.volume(LEDGER), an_answer()
    record_answer(ledger, answer)
    early = a_verdict(answer, given_at=NOON - timedelta(days=2))
    late = a_verdict(answer, given_at=NOON, verdict="up", reason=None, comment=None)
    other = a_verdict(answer, given_at=NOON - timedelta(days=1), who="other@firm")
    unknown = a_verdict(given_at=NOON - timedelta(days=3))
    for one in (late, early, other, unknown):
        record_verdict(ledger, one)
    merge_answers(workspace)
    merge_feedback(workspace)
    CHUNKS.create(workspace)
    values = [tuple(CHUNK.model_dump().values())]
    workspace.spark.createDataFrame(values, CHUNKS.schema).writeTo(workspace.table("chunks")).append()

    def ids(**given: Any) -> list[str]:
        return [one.verdict_id for one in verdicts(workspace, **given)]

    assert ids() == [late.verdict_id, other.verdict_id, unknown.verdict_id]
    assert ids(every=True) == [late.verdict_id, other.verdict_id, early.verdict_id, unknown.verdict_id]
    assert ids(verdict="down") == [other.verdict_id, unknown.verdict_id]
    assert ids(since=NOON - timedelta(days=1)) == [late.verdict_id, other.verdict_id]
    first, *_, last = verdicts(workspace)
    assert (first.given_at, first.question, first.answer) == (NOON, answer.question, answer.answer)
    assert first.passages == (
        Passage("chunk-1", True, "io.md", "open() opens a file."),
        Passage("chunk-2", False, None, None),
    )
    assert (last.question, last.answer, last.passages) == (None, None, ())
