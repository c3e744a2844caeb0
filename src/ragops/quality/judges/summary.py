"""What the table `judgments` has of each judge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ragops.errors import UserError
from ragops.platform.tables import objects
from ragops.platform.workspace import Workspace
from ragops.quality.judges.rows import JUDGMENTS


@dataclass(frozen=True)
class JudgeSummary:
    """One judge in one version: its judgments, those with a verdict, their mean score, all cost, and the last time."""

    judge: str
    judge_version: str
    model: str
    judgments: int
    scored: int
    score: float | None
    cost: float
    last: datetime

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return vars(self) | {"last": self.last.isoformat()}


def summaries(workspace: Workspace) -> list[JudgeSummary]:
    """All judges that have judged, by name, the latest version of each first.

    Raises:
        UserError: there is no table `judgments`, or the current user may not read it.
    """
    from pyspark.sql import functions as F

    if not workspace.spark.catalog.tableExists(workspace.table(JUDGMENTS.name)):
        where = f"{workspace.catalog}.{workspace.schema}"
        raise UserError(f"judgments: none in {where} yet; make some: ragops judges run --questions 20")
    rows = (
        JUDGMENTS.read(workspace)
        .groupBy("judge", "judge_version", "model")
        .agg(
            F.count("*").alias("judgments"),
            F.count("score").alias("scored"),
            F.avg("score").alias("score"),
            F.sum("cost").alias("cost"),
            F.max("judged_at").alias("last"),
        )
        .orderBy("judge", F.desc("last"))
    )
    return objects(JudgeSummary, rows)
