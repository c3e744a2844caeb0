"""Step 3, on CPUs: replies to checked answers, by the same check as a single question's; then the working tables go."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyspark.sql import functions as F

from ragops.answers.chain.checked import Checks
from ragops.answers.chain.console import as_outputs
from ragops.answers.chain.types import Answer
from ragops.answers.llms.types import Reply
from ragops.platform.merge import StageReport, merge
from ragops.platform.slices import map_rows
from ragops.platform.tables import Table
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.retrieve import read_context
from ragops.serving.batch.tables import ANSWERS, BatchAnswer, Outcome, values
from ragops.serving.model.registered import ChainVersion

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ANSWERS_A_SLICE = 2_000
_OF_REPLIES = (
    "text", "model", "provider", "prompt_tokens", "completion_tokens", "seconds", "finish_reason", "cost", "error",
)  # fmt: skip


def finish(batch: Batch, most: int = ANSWERS_A_SLICE) -> StageReport:
    """Writes an answer for each request that has a reply or needs none, and removes what is answered elsewhere.

    Requests of another chain stay, for `retrieve` to remove.

    Args:
        batch: whose tables exist.
        most: answers in a slice, about.
    """
    report, workspace, table = StageReport("check"), batch.workspace, batch.tables.answers
    with report.timed():
        ready = _ready(batch)
        report.read = ready.count()
        slices = -(-report.read // most)
        for number in range(slices):
            part = ready.where(F.pmod(F.xxhash64("request_id"), F.lit(slices)) == number)
            rows = map_rows(
                part, -(-report.read // slices), partial(check_batches, batch.checks, batch.chain.label), table
            )
            report.count(merge(workspace, table, rows))
            report.progress(number + 1, report.added + report.changed, report.read, "answers checked")
        _remove_finished(batch)
    return report


def check_batches(checks: Checks, chain: ChainVersion, batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """From requests with their replies to rows of the table of answers; the function for mapInPandas."""
    for batch in batches:
        names = [str(name) for name in batch.columns]
        records = (dict(zip(names, row, strict=True)) for row in batch.itertuples(index=False))
        rows = [values(answer_row(checks, chain, record)) for record in records]
        yield pd.DataFrame(rows, columns=ANSWERS.names)


def answer_row(checks: Checks, chain: ChainVersion, row: dict[str, Any]) -> BatchAnswer:
    """The answer of one request, from its row with its reply's columns."""
    given: dict[str, Any] = {name: None if _is_missing(value) else value for name, value in row.items()}
    error = given["problem"] or given["error"]
    answer = None if error else _answer(checks, given)
    refused = given["is_refused"] or given["reply_is_refused"]
    return BatchAnswer(
        answer_id=given["answer_id"],
        question_id=given["question_id"],
        question=given["question"],
        groups=tuple(given["groups"]),
        chain=given["chain"],
        outcome=_outcome(answer, bool(refused)),
        answer=answer.text if answer else None,
        abstained=answer.abstained if answer else None,
        cited=tuple(chunk for one in answer.cited for chunk in one.chunk_ids) if answer else (),
        paths=tuple(dict.fromkeys(one.passage.path for one in answer.cited)) if answer else (),
        error=error,
        attempts=given["attempt"],
        model=given["model"] or "",
        prompt=answer.prompt if answer else "",
        generation=given["generation"],
        evidence=given["evidence"],
        prompt_tokens=given["prompt_tokens"] or 0,
        completion_tokens=given["completion_tokens"] or 0,
        seconds=given["seconds"] or 0.0,
        cost=given["cost"] or 0.0,
        outputs=json.dumps(as_outputs(answer), ensure_ascii=False) if answer else None,
        input=given["input"],
        request_id=given["request_id"],
        answered_at=datetime.now(UTC),
        chain_name=chain.name,
        chain_version=chain.version,
    )


def _outcome(answer: Answer | None, refused: bool) -> Outcome:
    if answer is None:
        return "refused" if refused else "failed"
    return "abstained" if answer.abstained else "answered"


def _answer(checks: Checks, given: dict[str, Any]) -> Answer:
    """The checked answer; an abstention if no model was asked."""
    context = read_context(given["context"])
    answer = checks.abstention(given["question"].strip(), context, given["evidence"], given["generation"])
    if given["request"] is None:
        return answer
    reply = Reply(
        text=given["text"],
        model=given["model"],
        provider=given["provider"],
        prompt_tokens=int(given["prompt_tokens"]),
        completion_tokens=int(given["completion_tokens"]),
        seconds=given["seconds"],
        finish_reason=given["finish_reason"],
    )
    return checks.checked(reply, answer).answer


def _is_missing(value: object) -> bool:
    """A null: in a batch of Spark's workers an integer is NaN or pandas' NA, depending on the batch's other rows."""
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _ready(batch: Batch) -> DataFrame:
    """Requests of this chain whose answer can be written, with their reply's columns, null if they need none."""
    tables, workspace = batch.tables, batch.workspace
    replies = tables.replies.read(workspace).select(
        "request_id", *_OF_REPLIES, F.col("is_refused").alias("reply_is_refused"), F.lit(True).alias("has_reply")
    )
    answered = tables.answers.read(workspace).select("request_id")
    requests = tables.requests.read(workspace).where(F.col("chain") == batch.fingerprint)
    joined = requests.join(replies, "request_id", "left").where(F.col("request").isNull() | F.col("has_reply"))
    return joined.drop("has_reply").join(answered, "request_id", "left_anti")


def _remove_finished(batch: Batch) -> None:
    """Removes answered requests, and replies without a request: all rows at once where nothing else is left."""
    tables, workspace = batch.tables, batch.workspace
    requests, replies = tables.requests.read(workspace), tables.replies.read(workspace)
    filled = [table for table, rows in ((tables.requests, requests), (tables.replies, replies)) if not rows.isEmpty()]
    if not filled:
        return
    answered = tables.answers.read(workspace).select("request_id")
    if not requests.join(answered, "request_id", "left_anti").isEmpty():
        _remove(batch, tables.requests, requests.join(answered, "request_id", "left_semi"))
        _remove(batch, tables.replies, replies.join(requests.select("request_id"), "request_id", "left_anti"))
        return
    for table in filled:
        on = f"table {workspace.registered(table.name)}"
        workspace.execute(f"DELETE FROM {workspace.table(table.name)}", "MODIFY", on).collect()


def _remove(batch: Batch, table: Table, rows: DataFrame) -> None:
    """Deletes rows by their ids; MERGE, since Delta's DELETE takes no subquery."""
    workspace, view = batch.workspace, f"remove_{uuid.uuid4().hex}"
    rows.select("request_id").createOrReplaceTempView(view)
    try:
        workspace.execute(
            f"MERGE INTO {workspace.table(table.name)} t USING {view} s ON t.request_id = s.request_id "
            "WHEN MATCHED THEN DELETE",
            "MODIFY and SELECT",
            f"table {workspace.registered(table.name)}",
        ).collect()
    finally:
        workspace.spark.catalog.dropTempView(view)
