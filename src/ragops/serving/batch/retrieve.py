"""Step 1, on CPUs: questions to requests with their passages, in slices that are merged one after another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from ragops.answers.retrieval.context import Context
from ragops.answers.retrieval.validate import check_question
from ragops.errors import RequestError
from ragops.platform.merge import StageReport, merge
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.parts import in_parts
from ragops.serving.batch.tables import BatchRequest, values
from ragops.serving.batch.workers import request_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

    from ragops.answers.chain.chain import Chain

QUESTIONS_A_SLICE = 1_000
"""Requests of about 20 KB go to Spark in one message of at most 128 MB."""
_CONTEXT = TypeAdapter(Context)


def retrieve(batch: Batch, chain: Chain, wanted: DataFrame, most: int = QUESTIONS_A_SLICE) -> StageReport:
    """Finds the passages of the questions that have no request yet; requests that nobody wants any more are removed.

    Args:
        batch: whose tables exist.
        chain: searches, and knows the prompt.
        wanted: as `plan.unanswered` returns them.
        most: questions in a slice, about.
    """
    report, workspace, table = StageReport("retrieve"), batch.workspace, batch.tables.requests
    with report.timed():
        existing = table.read(workspace).select("request_id")
        missing = wanted.join(existing, "request_id", "left_anti")
        report.read, parts = in_parts(missing, most)
        stale = _stale(existing, wanted)
        for number, part in enumerate(parts if report.read or stale is None else [[]]):
            rows = workspace.spark.createDataFrame(list(_requests(batch, chain, part)), table.schema)
            report.count(merge(workspace, table, rows, stale if number == 0 else None))
            report.progress(number + 1, report.added, report.read, "questions searched")
    return report


def read_context(text: str) -> Context:
    """The passages in the column `context`."""
    return _CONTEXT.validate_json(text)


def _stale(existing: DataFrame, wanted: DataFrame) -> DataFrame | None:
    """The requests that nobody wants any more; None if there are none, so that a merge need not look for them."""
    if existing.isEmpty():
        return None
    stale = existing.join(wanted.select("request_id"), "request_id", "left_anti")
    return None if stale.isEmpty() else stale


def _requests(batch: Batch, chain: Chain, part: list[Row]) -> Iterator[tuple[object, ...]]:
    """One row for each question, searched by as many threads as there are cores."""
    rows = [row.asDict() for row in part]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from (values(one) for one in pool.map(partial(_request, batch, chain), rows))


def _request(batch: Batch, chain: Chain, row: dict[str, Any]) -> BatchRequest:
    """The request of one question; without evidence, or with a faulty row, no model is asked."""
    empty: dict[str, Any] = {
        "request": None,
        "context": None,
        "evidence": 0.0,
        "is_refused": row["problem"] is not None,
    }
    common = row | empty | {"chain": batch.fingerprint, "generation": chain.searcher.generation}
    if row["problem"]:
        return BatchRequest(**common)
    try:
        question = check_question(row["question"])
        context, score = chain.retrieve(question, row["groups"])
    except RequestError as error:
        return BatchRequest(**common | {"problem": str(error), "is_refused": True})
    asked = request_text(chain.request(question, context.sources)) if chain.checks.suffices(context, score) else None
    return BatchRequest(
        **common | {"request": asked, "context": _CONTEXT.dump_json(context).decode(), "evidence": score}
    )
