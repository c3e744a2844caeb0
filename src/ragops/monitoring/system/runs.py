"""Runs of the bundle's jobs, and when their schedules are due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ragops.platform.job_runs import JobRun, RunState, ScheduledJob, jobs_with_runs

REFRESH = "refresh"
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MOST = 1_000  # due times that are counted


@dataclass(frozen=True)
class JobState:
    """A job with its schedule and its last runs."""

    job: ScheduledJob

    @property
    def name(self) -> str:
        """Its key in the bundle."""
        return self.job.name

    @property
    def last_started(self) -> datetime | None:
        """When its last run began; None if it never ran."""
        return self._runs[0].started if self._runs else None

    @property
    def last_succeeded(self) -> datetime | None:
        """When its last successful run began; None without one among those that are known."""
        return next((one.started for one in self._runs if one.state == "success"), None)

    @property
    def last_state(self) -> RunState | None:
        """How its last run ended; None if it never ran."""
        return self._runs[0].state if self._runs else None

    @property
    def failures(self) -> tuple[JobRun, ...]:
        """The failed runs since the last one that succeeded, the newest first; the one that runs now does not count."""
        ended = [one for one in self._runs if one.state != "running"]
        last = next((number for number, one in enumerate(ended) if one.state == "success"), len(ended))
        return tuple(ended[:last])

    def succeeded_since(self, moment: datetime) -> int:
        """How many runs that began after a time succeeded."""
        return sum(one.state == "success" and one.started > moment for one in self._runs)

    def due(self, now: datetime) -> tuple[datetime, ...]:
        """When it was due since its last run began, or since it was deployed; () without a schedule."""
        if not self.job.cron or self.job.paused:
            return ()
        start = max(self.last_started or self.job.since, self.job.since)
        return tuple(_times(self.job.cron, self.job.timezone, start, now))

    @property
    def _runs(self) -> list[JobRun]:
        return [one for one in self.job.runs if one.state != "skipped"]


@dataclass(frozen=True)
class RunsState:
    """The bundle's jobs, by name."""

    jobs: tuple[JobState, ...]

    def find(self, name: str) -> JobState | None:
        """The job of this name."""
        return next((one for one in self.jobs if one.name == name), None)


def read_runs(files: Path) -> RunsState:
    """The jobs of the deployed bundle. Raises UserError as `jobs_with_runs`."""
    return RunsState(tuple(JobState(one) for one in jobs_with_runs(files)))


def _times(cron: str, timezone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """The times after `start` until `end`; none of an expression that has no counterpart in cron."""
    from croniter import CroniterError, croniter

    try:
        times = croniter(_numbered_from_0(cron), start.astimezone(ZoneInfo(timezone)), second_at_beginning=True)
        for _ in range(_MOST):
            moment: datetime = times.get_next(datetime)
            if moment > end:
                return
            yield moment.astimezone(end.tzinfo)
    except (CroniterError, KeyError):
        return


def _numbered_from_0(cron: str) -> str:
    """A Quartz expression with days of the week by name: Quartz numbers them from 1, cron from 0."""
    fields = cron.split()
    if len(fields) > 5:
        fields[5] = re.sub(r"(?<![#/\w])[1-7](?!\d)", lambda found: _DAYS[int(found[0]) - 1], fields[5])
    return " ".join(fields)
