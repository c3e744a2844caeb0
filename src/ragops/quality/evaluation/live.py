"""What users experienced, from the tables of answers, feedback and calls: waiting, cost, throughput, feedback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from ragops.answers.llms.ledger.calls import CALLS
from ragops.platform.workspace import Workspace
from ragops.quality.criteria.rows import Metric, Origin
from ragops.quality.feedback.rows import ANSWERS, EVALUATION, FEEDBACK

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

WINDOW = timedelta(days=7)
"""How long before the newest answer an answer may be to count."""


@dataclass(frozen=True)
class Use:
    """The use of one window of time; times are in UTC.

    Attributes:
        answers: who, asked_at, seconds, chain, generation; indexed by answer_id.
        verdicts: answer_id, who, verdict, given_at: the latest of each person on each answer.
        calls: purpose, outcome, who, called_at, cost: for users' answers.
    """

    answers: pd.DataFrame
    verdicts: pd.DataFrame
    calls: pd.DataFrame

    @property
    def newest(self) -> datetime:
        """When the last of it happened."""
        times = (self.answers["asked_at"], self.verdicts["given_at"], self.calls["called_at"])
        newest: pd.Timestamp = max(column.max() for column in times if len(column))
        return newest.to_pydatetime()


def live_metrics(workspace: Workspace) -> list[Metric]:
    """What users experienced in the seven days before the newest answer; [] if nobody asked anything."""
    use = _read(workspace)
    return use_metrics(use) if len(use.answers) else []


def use_metrics(use: Use) -> list[Metric]:
    """What the use of a window says, at the time at which its last event happened: without news it is the same row."""
    chains, generations = use.answers["chain"].unique(), use.answers["generation"].unique()
    origin = Origin(
        "collect_calls",
        chain=str(chains[0]) if len(chains) == 1 else "several versions",
        generation=str(generations[0]) if len(generations) == 1 else None,
        measured_at=use.newest,
    )
    return list(_metrics(use, origin))


def _metrics(use: Use, origin: Origin) -> Iterator[Metric]:
    answers, verdicts = use.answers, use.verdicts
    yield from origin.percentile("live_seconds_p95", answers["seconds"].tolist(), 95)
    busiest = answers["asked_at"].dt.floor("h").value_counts().max()
    yield origin.metric("live_answers_per_hour", float(busiest), len(answers))
    rated = answers.index.isin(verdicts["answer_id"]).astype(float)
    yield from origin.mean("feedback_rate", rated.tolist(), answers["who"].tolist())
    yield from origin.mean("thumbs_up", (verdicts["verdict"] == "up").astype(float).tolist(), verdicts["who"].tolist())
    yield from origin.mean("live_answer_cost", *_costs(use.calls))


def _costs(calls: pd.DataFrame) -> tuple[list[float], list[str]]:
    """The cost of each answer that a model wrote, and who asked for it.

    Failed attempts and the rewriting of follow-up questions are not linked to an answer, so their cost is spread over
    all answers.
    """
    wrote = (calls["purpose"] == "ask") & (calls["outcome"] == "answered")
    spread = float(calls.loc[~wrote, "cost"].sum()) / max(1, int(wrote.sum()))
    return (calls.loc[wrote, "cost"] + spread).tolist(), calls.loc[wrote, "who"].tolist()


def _read(workspace: Workspace) -> Use:
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    every = ANSWERS.read(workspace).where(F.col("who") != EVALUATION)
    newest = every.agg(F.max("asked_at")).collect()[0][0]
    since = (newest or datetime.now(UTC)).astimezone(UTC) - WINDOW
    chain = F.concat_ws("/", "chain_name", "chain_version").alias("chain")
    answers = every.where(F.col("asked_at") > F.lit(since))
    latest = Window.partitionBy("answer_id", "who").orderBy(F.desc("given_at"), F.desc("verdict_id"))
    verdicts = FEEDBACK.read(workspace).join(answers.select("answer_id"), "answer_id", "left_semi")
    verdicts = verdicts.withColumn("_age", F.row_number().over(latest)).where("_age = 1")
    calls = CALLS.read(workspace).where(F.col("purpose").isin("ask", "rewrite") & (F.col("called_at") > F.lit(since)))
    calls = calls.join(answers.select("who").distinct(), "who", "left_semi")
    asked = _fetched(answers.select("answer_id", "who", "asked_at", "seconds", chain, "generation"), "asked_at")
    given = _fetched(verdicts.select("answer_id", "who", "verdict", "given_at"), "given_at")
    called = _fetched(calls.select("purpose", "outcome", "who", "called_at", "cost"), "called_at")
    return Use(asked.set_index("answer_id"), given, called)


def _fetched(rows: DataFrame, time: str) -> pd.DataFrame:
    """The rows with their time in UTC, whatever the session's time zone is."""
    from pyspark.sql import functions as F

    frame = rows.withColumn(time, F.unix_micros(time)).toPandas()
    return frame.assign(**{time: pd.to_datetime(frame[time], unit="us", utc=True)})
