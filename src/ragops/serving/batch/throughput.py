"""How fast a batch answered: a row of the table `metrics`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ragops.quality.criteria.rows import Metric, Origin
from ragops.serving.batch.batch import Batch


def batch_metrics(batch: Batch, started: datetime | None) -> list[Metric]:
    """Questions that the run finished in a minute, from its start to the last of them, waiting for clusters included.

    Args:
        batch: whose answers are in their table.
        started: when the run began; None if that is not known, for a notebook that was run alone.

    Returns:
        One row, the same for a task that is repeated; none if the run finished no question.
    """
    from pyspark.sql import functions as F

    if started is None:
        return []
    own = (
        (F.col("chain") == batch.fingerprint)
        & (F.col("answered_at") >= F.lit(started))
        & (F.col("outcome") != "failed")
    )
    answers = batch.tables.answers.read(batch.workspace).where(own)
    count, last = answers.select(F.count("*"), F.max(F.unix_micros("answered_at"))).collect()[0]
    if not count:
        return []
    ended = datetime.fromtimestamp(last / 1e6, UTC)
    label = batch.chain.label
    origin = Origin("answer_batch", f"{label.name}/{label.version}", measured_at=ended)
    minutes = max(ended - started, timedelta(milliseconds=1)) / timedelta(minutes=1)
    return [origin.metric("batch_answers_per_minute", count / minutes, count)]
