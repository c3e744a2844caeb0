"""Verdicts with the answers and passages that they are about, read from the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ragops.corpus.chunks.table import CHUNKS
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.rows import ANSWERS, FEEDBACK, Thumb

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Passage:
    """A passage that the answer was made from; `path` and `text` are None if the corpus no longer has it."""

    chunk_id: str
    cited: bool
    path: str | None
    text: str | None


@dataclass(frozen=True)
class Reviewed:
    """A verdict and the answer that it is about; question to model are None if the answer is not known.

    Attributes:
        given_at: in UTC.
        passages: those that the model was given, best first; [] if the answer is not known.
    """

    verdict_id: str
    answer_id: str
    given_at: datetime
    who: str
    verdict: Thumb
    reason: str | None
    comment: str | None
    question: str | None
    answer: str | None
    chain_name: str | None
    chain_version: str | None
    generation: str | None
    passages: tuple[Passage, ...]

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        passages = [vars(passage) for passage in self.passages]
        return vars(self) | {"given_at": self.given_at.isoformat(), "passages": passages}


def verdicts(
    workspace: Workspace, *, verdict: Thumb | None = None, since: datetime | None = None, every: bool = False
) -> list[Reviewed]:
    """The verdicts, newest first.

    Args:
        workspace: where the tables are.
        verdict: only these.
        since: only those given at this time or later.
        every: also those that the same person has changed later.

    Raises:
        UserError: there is no table `feedback`.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    if not workspace.spark.catalog.tableExists(workspace.table(FEEDBACK.name)):
        where = f"{workspace.catalog}.{workspace.schema}"
        raise UserError(f"feedback: none in {where} yet; collect it: localbundle run collect_calls")
    rows = FEEDBACK.read(workspace)
    if not every:
        latest = Window.partitionBy("answer_id", "who").orderBy(F.desc("given_at"), F.desc("verdict_id"))
        rows = rows.withColumn("_age", F.row_number().over(latest)).where("_age = 1").drop("_age")
    if verdict is not None:
        rows = rows.where(F.col("verdict") == verdict)
    if since is not None:
        rows = rows.where(F.col("given_at") >= F.lit(since))
    found = rows.join(ANSWERS.read(workspace).select("answer_id", "answer"), "answer_id", "left")
    ordered = found.orderBy(F.desc("given_at"), "verdict_id").collect()
    texts = _texts(workspace, rows)
    return [_reviewed(row.asDict(), texts) for row in ordered]


def _texts(workspace: Workspace, rows: DataFrame) -> dict[str, tuple[str, str]]:
    """Path and text of the passages by chunk id."""
    from pyspark.sql import functions as F

    if not workspace.spark.catalog.tableExists(workspace.table(CHUNKS.name)):
        return {}
    ids = rows.select(F.explode("passages").alias("chunk_id")).distinct()
    chunks = CHUNKS.read(workspace).join(ids, "chunk_id", "left_semi").select("chunk_id", "path", "text")
    return {row["chunk_id"]: (row["path"], row["text"]) for row in chunks.collect()}


def _reviewed(row: dict[str, Any], texts: Mapping[str, tuple[str, str]]) -> Reviewed:
    cited = set(row["cited"] or ())
    passages = (Passage(key, key in cited, *texts.get(key, (None, None))) for key in row["passages"] or ())
    taken = [name for name in Reviewed.__dataclass_fields__ if name not in ("given_at", "passages")]
    # Spark returns the time in this machine's time zone, without it.
    given_at = row["given_at"].astimezone(UTC)
    return Reviewed(**{name: row[name] for name in taken}, given_at=given_at, passages=tuple(passages))
