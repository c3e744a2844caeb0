"""Calls of models, verdicts of people and judgments, as checks read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from ragops.answers.llms.ledger.calls import CALLS
from ragops.monitoring.system.rows import Rows, read_rows
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.rows import EVALUATION, FEEDBACK
from ragops.quality.judges.rows import JUDGMENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CALL_COLUMNS = (
    "call_id", "called_at", "who", "purpose", "model", "provider", "prompt_name", "prompt_version", "prompt_tokens",
    "completion_tokens", "cost", "seconds", "attempts", "cached", "outcome", "error", "finish_reason", "fallback_of",
    "fallback_reason", "trace_id",
)  # fmt: skip
FEEDBACK_COLUMNS = ("verdict_id", "answer_id", "verdict", "reason", "who", "given_at", "question", "passages")
JUDGMENT_COLUMNS = (
    "judgment_id", "inputs", "answer_id", "question_id", "question", "cluster", "judge", "judge_version", "model",
    "state", "verdict", "score", "input_tokens", "output_tokens", "cost", "seconds", "cached", "judged_at",
)  # fmt: skip
ADDED_TO_JUDGMENTS = ("who", "asked_at")
"""Columns of an answer to a person; of others, or if that row is not known: the cluster, and when it was judged."""
MOST = 100_000
"""Rows; of more a sample."""


def read_calls(workspace: Workspace, since: datetime, now: datetime) -> Rows:
    """Calls, without payloads. Raises NotPermitted as `read_rows`."""
    return read_rows(
        workspace,
        CALLS,
        time="called_at",
        since=since,
        now=now,
        columns=CALL_COLUMNS,
        prepared=lambda rows: _sample(rows, "call_id"),
    )


def read_feedback(workspace: Workspace, since: datetime, now: datetime) -> Rows:
    """The latest verdict of each person on each answer. Raises NotPermitted as `read_rows`."""
    found = read_rows(
        workspace,
        FEEDBACK,
        time="given_at",
        since=since,
        now=now,
        columns=FEEDBACK_COLUMNS,
        prepared=lambda rows: _sample(rows.where(f"who <> '{EVALUATION}'"), "verdict_id"),
    )
    ordered = found.frame.sort_values(["given_at", "verdict_id"], kind="stable")
    return replace(found, frame=ordered.drop_duplicates(["answer_id", "who"], keep="last").reset_index(drop=True))


def read_judgments(workspace: Workspace, since: datetime, now: datetime, answers: pd.DataFrame) -> Rows:
    """Judgments, with who asked and when as `answers` tell. Raises NotPermitted as `read_rows`."""
    found = read_rows(
        workspace,
        JUDGMENTS,
        time="judged_at",
        since=since,
        now=now,
        columns=JUDGMENT_COLUMNS,
        prepared=lambda rows: _sample(rows, "judgment_id"),
    )
    return replace(found, frame=with_askers(found.frame, answers))


def with_askers(judgments: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Judgments with `ADDED_TO_JUDGMENTS`."""
    known = answers.drop_duplicates("answer_id").set_index("answer_id")
    who = judgments["answer_id"].map(known["who"]) if len(known) else pd.Series(None, index=judgments.index)
    asked = judgments["answer_id"].map(known["asked_at"]) if len(known) else pd.Series(pd.NaT, index=judgments.index)
    times = pd.to_datetime(asked, utc=True).fillna(pd.to_datetime(judgments["judged_at"], utc=True))
    return judgments.assign(who=who.where(who.notna(), judgments["cluster"]), asked_at=times)


def no_rows(columns: tuple[str, ...]) -> pd.DataFrame:
    """No rows, with these columns."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})


def _sample(rows: DataFrame, key: str) -> DataFrame:
    from pyspark.sql import functions as F

    return rows.orderBy(F.xxhash64(key)).limit(MOST)
