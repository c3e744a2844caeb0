"""Runs of the bundle's jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class JobState:
    """A job with its schedule and its last runs.

    Attributes:
        job: its name in the bundle.
        cron: its schedule as a Quartz expression; None without one.
        timezone: of the schedule.
        paused: whether the schedule is paused, as it is on a laptop and in target dev.
        last_started: when its last run began; None if it never ran.
        last_succeeded: when its last successful run began.
        last_state: how its last run ended: success, failed, running; "" if it never ran.
    """

    job: str
    cron: str | None
    timezone: str
    paused: bool
    last_started: datetime | None
    last_succeeded: datetime | None
    last_state: str


@dataclass(frozen=True)
class RunsState:
    """The bundle's jobs, by name."""

    jobs: tuple[JobState, ...]

    def find(self, job: str) -> JobState | None:
        """The job of this name."""
        return next((one for one in self.jobs if one.job == job), None)
