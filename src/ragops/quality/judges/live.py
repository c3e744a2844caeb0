"""Answers to people, sampled for judges from the table `answers`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from ragops.answers.llms.ledger.calls import CALLS
from ragops.corpus.chunks.table import CHUNKS
from ragops.errors import UserError
from ragops.platform.merge import ids_frame
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.rows import ANSWERS, EVALUATION
from ragops.quality.judges.answer import AnswerToJudge, shown

# The first 32 bits of a hash of the answer's id, from 0 to 1: an answer is in the sample or not, whenever it is drawn.
_DRAWN = "conv(substring(md5(answer_id), 1, 8), 16, 10) / 4294967296"


@dataclass(frozen=True)
class LiveAnswers:
    """A sample of the answers to people.

    Attributes:
        items: the answers that can be judged.
        total: answers that the sample was drawn from.
        incomplete: sampled answers that cannot be judged: the corpus no longer has one of their passages.
    """

    items: tuple[AnswerToJudge, ...]
    total: int
    incomplete: int


def live_answers(workspace: Workspace, share: float, since: datetime | None = None) -> LiveAnswers:
    """A random share of the answers to people; the same ones each time, and more of them with a larger share.

    Args:
        workspace: where the tables are.
        share: 0 to 1, such as `evaluation.judge_sample`.
        since: only answers to questions asked at this time or later.

    Raises:
        UserError: there is no table `answers`.
    """
    from pyspark.sql import functions as F

    if not workspace.spark.catalog.tableExists(workspace.table(ANSWERS.name)):
        where = f"{workspace.catalog}.{workspace.schema}"
        raise UserError(f"answers: none in {where} yet; collect them: localbundle run collect_calls")
    rows = ANSWERS.read(workspace).where(F.col("who") != EVALUATION)
    if since is not None:
        rows = rows.where(F.col("asked_at") >= F.lit(since))
    sample = [row.asDict() for row in rows.where(F.expr(f"{_DRAWN} < {share}")).orderBy("answer_id").collect()]
    items = answers_to_judge(workspace, sample)
    return LiveAnswers(tuple(items), rows.count(), len(sample) - len(items))


def answers_to_judge(workspace: Workspace, rows: Sequence[dict[str, Any]]) -> list[AnswerToJudge]:
    """Rows of the table `answers` as judges see them; without those whose passages the corpus has lost."""
    passages = _passages(workspace, rows)
    costs = _costs(workspace, rows)
    return [item for row in rows if (item := _item(row, passages, costs)) is not None]


def _passages(workspace: Workspace, sample: Sequence[dict[str, Any]]) -> dict[str, tuple[str, str, str]]:
    """Title, path and text of the passages by chunk id."""
    ids = sorted({chunk for row in sample for chunk in row["passages"] or ()})
    if not ids or not workspace.spark.catalog.tableExists(workspace.table(CHUNKS.name)):
        return {}
    wanted = ids_frame(workspace, "chunk_id", ids)
    found = CHUNKS.read(workspace).join(wanted, "chunk_id", "left_semi").select("chunk_id", "title", "path", "text")
    return {row["chunk_id"]: (row["title"] or "", row["path"], row["text"]) for row in found.collect()}


def _costs(workspace: Workspace, sample: Sequence[dict[str, Any]]) -> dict[str, float]:
    """What the model calls for each answer cost, by trace, without the judging."""
    from pyspark.sql import functions as F

    traces = sorted({row["trace_id"] for row in sample if row["trace_id"]})
    if not traces or not workspace.spark.catalog.tableExists(workspace.table(CALLS.name)):
        return {}
    wanted = workspace.spark.createDataFrame([(one,) for one in traces], "trace_id STRING")
    calls = CALLS.read(workspace).where("purpose <> 'judge'").join(wanted, "trace_id", "left_semi")
    return {
        row["trace_id"]: row["cost"] for row in calls.groupBy("trace_id").agg(F.sum("cost").alias("cost")).collect()
    }


def _item(
    row: dict[str, Any], passages: Mapping[str, tuple[str, str, str]], costs: Mapping[str, float]
) -> AnswerToJudge | None:
    if not all(chunk in passages for chunk in row["passages"] or ()):
        return None
    return AnswerToJudge(
        answer_id=row["answer_id"],
        question_id=None,
        question=row["standalone"],
        answer=row["answer"],
        passages=tuple(_shown(row, passages)),
        reference=None,
        cluster=row["standalone"].strip().casefold(),
        abstained=row["abstained"] is not None,
        model=row["model"],
        trace_id=row["trace_id"],
        cost=costs.get(row["trace_id"] or ""),
    )


def _shown(row: dict[str, Any], passages: Mapping[str, tuple[str, str, str]]) -> Iterator[str]:
    """The passages by their numbers: one is several chunks where neighbors were added."""
    chunks = row["passages"] or ()
    numbers = row["numbers"] or range(1, len(chunks) + 1)  # rows of old versions do not have them
    for _, group in groupby(zip(numbers, chunks, strict=True), key=lambda pair: pair[0]):
        parts = [passages[chunk] for _, chunk in group]
        title, path, _ = parts[0]
        yield shown(title, path, "\n".join(text for _, _, text in parts))
