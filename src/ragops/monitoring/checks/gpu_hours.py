"""Checks of the GPU hours that the task embed takes, against the use case's limit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pandas as pd

from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import Found, Unreadable
from ragops.monitoring.system.system import System
from ragops.quality.criteria.gpu_hours import GPU_HOURS

_HOURS_A_DAY = 24


def check(system: System) -> Iterator[Found]:
    """More GPU hours a day than `monitoring.gpu_hours_per_day`."""
    allowed, days = system.use_case.monitoring.gpu_hours_per_day, system.use_case.monitoring.recent_hours / _HOURS_A_DAY
    used = gpu_hours_of(system, system.recent_since).sort_values("measured_at")
    total = used["value"].cumsum()
    if allowed is None or used.empty or total.iloc[-1] / days <= allowed:
        return
    a_day = float(total.iloc[-1] / days)
    yield Found(
        check="gpu_hours_exceeded",
        subject="",
        severity="high",
        title=f"the task embed took {a_day:,.1f} GPU hours a day instead of at most {allowed:,.1f}",
        since=used.loc[total > allowed * days, "measured_at"].iloc[0].to_pydatetime(),
        value=a_day,
        expected=allowed,
        unit="h",
        details=f"In {len(used):,} runs; the longest took {used['value'].max():,.1f} GPU hours.",
        causes=("encoder", "parser", "corpus", "deployment"),
        action="See what made texts new: another encoder or parser embeds all of them again; else raise the limit.",
        command="ragops documents",
    )


def gpu_hours_of(system: System, since: datetime) -> pd.DataFrame:
    """The runs of the task embed since a time that used GPUs: rows of `metrics`, in GPU hours."""
    if isinstance(system.metrics, Unreadable) or system.metrics.empty:
        return pd.DataFrame({"value": pd.Series(dtype=float), "measured_at": pd.Series(dtype="datetime64[us, UTC]")})
    rows = system.metrics
    return rows[(rows["name"] == GPU_HOURS) & (rows["measured_at"] > pd.Timestamp(since))]


GPUS = Topic(
    "GPU hours",
    check,
    ("metrics",),
    {"gpu_hours_exceeded": "the task embed took more GPU hours a day than `monitoring.gpu_hours_per_day`"},
)
