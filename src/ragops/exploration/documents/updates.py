"""How often documents change, and how often it is worth looking."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(days=1)
HOUR_MINUTES = 60
DAY_MINUTES = 24 * HOUR_MINUTES
# Divisors of an hour and of a day, so that a cron expression can say them.
_MINUTES = (5, 10, 15, 20, 30)
_HOURS = (1, 2, 3, 4, 6, 8, 12)


@dataclass(frozen=True)
class Commit:
    """One change of the table `documents`: when, and how many documents came, changed or went."""

    at: datetime
    documents: int


@dataclass(frozen=True)
class Schedule:
    """A refresh every `minutes`; `cron` as Databricks writes it; `idle_share` of the runs would find nothing."""

    minutes: int
    cron: str
    idle_share: float


def changes_a_day(commits: Sequence[Commit]) -> float | None:
    """Documents a day by the table's history, its first load left out; None where it covers less than a day."""
    after = sorted(commits, key=lambda commit: commit.at)
    if len(after) < 2 or after[-1].at - after[0].at < DAY:
        return None
    return sum(commit.documents for commit in after[1:]) / ((after[-1].at - after[0].at) / DAY)


def suggest_schedule(a_day: float, freshness_minutes: float, refresh_minutes: float) -> Schedule:
    """The rarest refresh that keeps the promise: a change waits for the next run, and then for that run's end.

    Args:
        a_day: documents that change a day; arrivals are taken as a Poisson process, so a run after t minutes finds
            nothing with probability exp(-a_day * t / 1440).
        freshness_minutes: the use case's promise.
        refresh_minutes: how long one refresh takes at most, by the use case.
    """
    room = max(_MINUTES[0], freshness_minutes - refresh_minutes)
    minutes = max(step for step in _steps() if step <= room)
    return Schedule(minutes, _cron(minutes), math.exp(-a_day * minutes / DAY_MINUTES))


def _steps() -> list[int]:
    return [*_MINUTES, *(hours * HOUR_MINUTES for hours in _HOURS), DAY_MINUTES]


def _cron(minutes: int) -> str:
    if minutes < HOUR_MINUTES:
        return f"0 0/{minutes} * * * ?"
    if minutes < DAY_MINUTES:
        return f"0 0 0/{minutes // HOUR_MINUTES} * * ?"
    return "0 0 5 * * ?"
