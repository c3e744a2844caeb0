"""Which documents the questions of people found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ragops.corpus.chunks.table import CHUNKS
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.rows import ANSWERS


@dataclass(frozen=True, slots=True)
class Coverage:
    """Documents that have passages; how many of them some question found; passages found, with repetitions."""

    documents: int = 0
    found: int = 0
    passages: int = 0

    @property
    def never_found(self) -> float | None:
        """Share of documents that no question found; None without questions or documents."""
        return 1 - self.found / self.documents if self.passages and self.documents else None


def read_coverage(workspace: Workspace, since: datetime, now: datetime) -> Coverage:
    """The documents that the answers of a time used.

    Raises:
        NotPermitted: the current user may not read the tables.
    """
    from pyspark.sql import functions as F

    if not all(workspace.spark.catalog.tableExists(workspace.table(one.name)) for one in (CHUNKS, ANSWERS)):
        return Coverage()
    at = F.col("asked_at")
    used = ANSWERS.read(workspace).where((at >= F.lit(since)) & (at <= F.lit(now)))
    counts = used.select(F.explode("passages").alias("chunk_id")).groupBy("chunk_id").agg(F.count("*").alias("times"))
    chunks = CHUNKS.read(workspace).select("chunk_id", "doc_id").join(counts, "chunk_id", "left")
    row = chunks.agg(
        F.countDistinct("doc_id"),
        F.countDistinct(F.when(F.col("times") > 0, F.col("doc_id"))),
        F.coalesce(F.sum("times"), F.lit(0)),
    ).collect()[0]
    return Coverage(int(row[0]), int(row[1]), int(row[2]))
