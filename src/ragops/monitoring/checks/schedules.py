"""Checks of the bundle's jobs: schedules that did not run, and jobs that fail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.checks.wording import at, counted, lasting
from ragops.monitoring.finding import Found, Severity, Unreadable
from ragops.monitoring.system.runs import REFRESH, JobState
from ragops.monitoring.system.system import System

LATE = timedelta(minutes=10)
"""How late a run may begin: starting compute takes minutes."""


def check(system: System) -> Iterator[Found]:
    """What is wrong with each job."""
    assert not isinstance(system.runs, Unreadable)
    scheduled = [one for one in system.runs.jobs if one.job.cron]
    # In targets of mode development all are paused, on purpose.
    all_paused = all(one.job.paused for one in scheduled)
    for one in system.runs.jobs:
        yield from _missed(system.now, one)
        yield from _failing(one)
        if one.job.cron and one.job.paused and not all_paused:
            yield _paused(system.now, one)


def _severity(job: JobState) -> Severity:
    return "high" if job.name == REFRESH else "low"


def _missed(now: datetime, job: JobState) -> Iterator[Found]:
    due = [moment for moment in job.due(now) if now - moment > LATE]
    if not due or job.last_state == "running":
        return
    last = f"since {at(job.last_started)}" if job.last_started else "yet"
    yield Found(
        check="schedule_missed",
        subject=job.name,
        severity=_severity(job),
        title=f"job {job.name} has not run {last}, although it was due {counted(len(due), 'time')}",
        since=due[0],
        value=float(len(due)),
        expected=0.0,
        unit="number",
        details=f"Its schedule is {job.job.cron} ({job.job.timezone}); it is late by {lasting(now - due[0])}.",
        causes=("deployment",),
        otherwise="its schedule was paused or removed, or its runs cannot start",
        action="Look whether its schedule is active and whether its runs are skipped or cannot start; run it.",
        command="ragops doctor",
    )


def _failing(job: JobState) -> Iterator[Found]:
    failed = job.failures
    if not failed:
        return
    good = f"the last good run began at {at(job.last_succeeded)}" if job.last_succeeded else "no good run is known"
    yield Found(
        check="job_failing",
        subject=job.name,
        severity=_severity(job),
        title=f"job {job.name} failed {counted(len(failed), 'time')} in a row",
        since=failed[-1].started,
        value=float(len(failed)),
        expected=0.0,
        unit="number",
        details=f"The last failed run began at {at(failed[0].started)}; {good}.",
        causes=("corpus", "parser", "encoder", "model", "deployment"),
        cause=f"its last run failed: {failed[0].error}" if failed[0].error else None,
        otherwise="nothing was changed here: its runs fail by themselves, as their pages say",
        action="Open the page of the last failed run, resolve the error in its last line, and run the job again.",
        command="ragops doctor",
    )


def _paused(now: datetime, job: JobState) -> Found:
    return Found(
        check="schedule_paused",
        subject=job.name,
        severity=_severity(job),
        title=f"the schedule of job {job.name} is paused, and others are not",
        since=job.last_started or now,
        details=f"Its schedule is {job.job.cron} ({job.job.timezone}).",
        causes=("deployment",),
        action="Resume it, or remove the schedule from the bundle if it shall not run.",
        command="ragops doctor",
    )


SCHEDULES = Topic(
    "schedules",
    check,
    ("runs",),
    {
        "schedule_missed": "a job did not run when its schedule was due, ten minutes late at most",
        "schedule_paused": "the schedule of a job is paused, and those of others are not",
        "job_failing": "the last runs of a job failed",
    },
)
