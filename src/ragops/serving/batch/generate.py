"""Step 2: requests to replies, by vLLM in Spark's workers on GPUs, or through the gateway in this process."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from ragops.answers.llms.errors import ContextOverflow, ModelFailure
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.calls import Caller
from ragops.answers.llms.ledger.sinks import Spool
from ragops.answers.llms.types import Reply
from ragops.errors import UserError
from ragops.platform.merge import merge
from ragops.platform.slices import every, portions
from ragops.platform.workspace import LEDGER
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.cluster import count_gpus
from ragops.serving.batch.parts import in_parts
from ragops.serving.batch.replies import Generated, generated, reply_row
from ragops.serving.batch.tables import BatchReply, values
from ragops.serving.batch.workers import OpenEngine, engine_opener, read_request, reply_batches

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

HOPELESS = 20
"""Failures in a row, and none else so far, after which a run stops: each costs its question one of its attempts."""
REQUESTS_A_SLICE = 1_000
_SECONDS_A_MERGE = 60.0  # what a killed run loses of a slow model's work
_ROWS_PER_FILE = 10_000  # of the ledger; every merge closes a file before
# An engine starts with each slice, in up to a minute, and a killed run loses its slice.
_SECONDS_A_SLICE = 900.0
_FIRST_ROWS, _MOST_ROWS = 256, 20_000  # for each GPU
_IN_WORKER = re.compile(r"ragops\.[\w.]+: (Model [^\n]+)")


def pending(batch: Batch) -> DataFrame:
    """Requests (request_id, request) without a reply."""
    tables, workspace = batch.tables, batch.workspace
    asked = tables.requests.read(workspace).where(F.col("request").isNotNull()).select("request_id", "request")
    return asked.join(tables.replies.read(workspace).select("request_id"), "request_id", "left_anti")


def generate(batch: Batch) -> Generated:
    """Asks the model for every request without a reply: on the cluster's GPUs, or from here.

    Raises:
        UserError: as `generate_in_workers` and `generate_here`; or the cluster has no GPU that works.
    """
    caller = batch.caller()
    if not batch.on_gpus:
        return generate_here(batch, caller)
    return generate_in_workers(batch, engine_opener(batch, caller), count_gpus(batch.workspace))


def generate_here(
    batch: Batch, caller: Caller, gateway: Gateway | None = None, most: int = REQUESTS_A_SLICE
) -> Generated:
    """Asks the model through the gateway, as many requests at once as its settings allow.

    Replies are merged at least once a minute.

    Args:
        batch: whose tables exist.
        caller: for the ledger.
        gateway: used instead of the batch's own.
        most: requests in a slice, about.

    Raises:
        UserError: the first requests all failed; nothing is lost.
    """
    spool = Spool(batch.workspace.volume(LEDGER), _ROWS_PER_FILE)
    gateway = gateway or batch.open_gateway(spool)
    run = _Run(batch, gpus=0)
    for part in in_parts(pending(batch), most)[1]:
        rows = [(row["request_id"], row["request"]) for row in part]
        for replies in portions(_replies(batch, gateway, caller, rows), most, is_due=every(_SECONDS_A_MERGE)):
            spool.close()
            run.merge_rows(replies)
    return run.figures()


def generate_in_workers(batch: Batch, open_engine: OpenEngine, gpus: int) -> Generated:
    """Generates in Spark's workers: one partition and one engine for each GPU, in slices of about a quarter of an hour.

    Args:
        batch: whose tables exist.
        open_engine: starts an engine in a worker.
        gpus: of the cluster, each of which gets one task.

    Raises:
        UserError: an engine does not start, or the first requests all failed; nothing is lost.
    """
    run, rows = _Run(batch, gpus), _FIRST_ROWS * gpus
    reply = reply_batches(open_engine)
    left = pending(batch).count()
    while left > 0:
        part = spread(pending(batch), rows, min(gpus, left))
        began = time.monotonic()
        with _explained_by_workers():
            done = run.merge(part.mapInPandas(reply, batch.tables.replies.schema))
        left -= done
        print(f"generate: {done:,} replies merged, {max(left, 0):,} left", flush=True)
        if not done:
            break
        rows = _next_rows(done, time.monotonic() - began, gpus)
    return run.figures()


def spread(requests: DataFrame, rows: int, gpus: int) -> DataFrame:
    """This number of requests, in a partition for each GPU, all of the same size.

    The limit makes one partition of them: dealt out from several, some GPUs would get a tenth more.
    """
    return requests.limit(rows).repartition(gpus)


def _next_rows(done: int, seconds: float, gpus: int) -> int:
    """Rows of the next slice, by the speed of the last one."""
    fitting = int(done / max(seconds, 1.0) * _SECONDS_A_SLICE)
    return min(max(fitting, _FIRST_ROWS * gpus), _MOST_ROWS * gpus)


class _Run:
    """Merges replies, and stops where nothing but failures comes."""

    def __init__(self, batch: Batch, gpus: int) -> None:
        self._batch, self._gpus = batch, gpus
        self._since, self._started = datetime.now(UTC), time.monotonic()
        self._replies = 0

    def merge_rows(self, rows: list[BatchReply]) -> None:
        """Raises UserError if the run is hopeless."""
        self._replies += sum(row.error is None for row in rows)
        spark, table = self._batch.workspace.spark, self._batch.tables.replies
        merge(self._batch.workspace, table, spark.createDataFrame([values(row) for row in rows], table.schema))
        failed = [row.error for row in rows if row.error is not None]
        self._check(len(failed), failed[0] if failed else "")  # later ones may only say that the model rests

    def merge(self, rows: DataFrame) -> int:
        """Returns the number of replies. Raises UserError if the run is hopeless."""
        done = merge(self._batch.workspace, self._batch.tables.replies, rows).inserted
        figures = self.figures()
        self._replies = figures.replies
        self._check(figures.failed, figures.error)
        return done

    def figures(self) -> Generated:
        """Of the run so far."""
        rows = self._batch.tables.replies.read(self._batch.workspace)
        return generated(rows, self._since, time.monotonic() - self._started, self._gpus)

    def _check(self, failed: int, error: str) -> None:
        if failed >= HOPELESS and not self._replies:
            raise UserError(
                f"batch: the first {failed} requests all failed ({error}); nothing is lost: correct that, and run again"
            )


def _replies(batch: Batch, gateway: Gateway, caller: Caller, rows: list[tuple[str, str]]) -> Iterator[BatchReply]:
    """The replies in order; ends early after `HOPELESS` failures in a row, and leaves the other requests pending."""

    def ask(row: tuple[str, str]) -> BatchReply:
        answer: Reply | UserError
        try:
            answer = gateway.generate(read_request(row[1]), caller)
        except (ModelFailure, ContextOverflow) as error:
            answer = error
        return reply_row(row[0], answer, batch.model)

    failures = 0
    with ThreadPoolExecutor(gateway.concurrency) as pool:
        try:
            for reply in pool.map(ask, rows):
                yield reply
                failures = failures + 1 if reply.error and not reply.is_refused else 0
                if failures == HOPELESS:
                    return
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _explained_by_workers() -> Iterator[None]:
    """An error that a worker raised for users is one line here, too."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if found := _IN_WORKER.search(str(error)):
            raise UserError(found[1].strip()) from error
        raise
