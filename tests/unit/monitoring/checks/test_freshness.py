"""Files that wait: since when, how long, and why."""

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from ragops.monitoring.checks.freshness import FRESHNESS
from ragops.monitoring.finding import Unreadable
from ragops.monitoring.system.documents import WaitingFile
from ragops.monitoring.system.runs import JobState, RunsState
from ragops.monitoring.system.system import System
from ragops.platform.job_runs import JobRun, ScheduledJob
from tests.support.found_systems import DAY, HOUR, documents, found, healthy, index, job
from tests.support.monitored import NOW, USE_CASE

MINUTE = timedelta(minutes=1)


def waiting(*minutes: int, ingested: bool = False) -> tuple[WaitingFile, ...]:
    return tuple(WaitingFile(f"a/{one}.md", NOW - one * MINUTE, ingested) for one in minutes)


def test_a_file_may_wait_as_long_as_the_service_level_says() -> None:
    assert not found(FRESHNESS, documents=documents(waiting=waiting(60, 1)))


def test_a_file_that_waits_longer_is_found_since_then() -> None:
    one = found(FRESHNESS, documents=documents(waiting=waiting(181, 61, 10)))["freshness_exceeded"]
    assert (one.severity, one.value, one.expected, one.since) == ("high", 181, 60, NOW - 121 * MINUTE)
    assert one.title == "2 files not found by searches, for up to 3 h after being changed"
    assert "a/181.md, a/61.md" in one.details and "a/10.md" not in one.details


def test_a_file_that_is_in_the_tables_only_waits_too() -> None:
    one = found(FRESHNESS, index=index(unpublished=waiting(90, ingested=True)))["freshness_exceeded"]
    assert one.cause == "the files are in the table documents, and not published in the live index"


def test_an_index_that_cannot_be_read_hides_no_file() -> None:
    late = documents(waiting=waiting(90))
    assert found(FRESHNESS, documents=late, index=Unreadable("index", "gone"))["freshness_exceeded"]


def test_it_says_that_the_refresh_does_not_run() -> None:
    for jobs, cause in (
        ((job("refresh"),), "the refresh job has never run"),
        ((job("refresh", "success", last=5 * HOUR),), "the refresh job has not run since 2026-11-30 04:00 UTC"),
        ((job("refresh", "failed", "failed", "success"),), "the refresh job fails since 2026-11-30 08:30 UTC"),
        ((job("refresh", "success"),), None),
        ((), None),
    ):
        late = documents(waiting=waiting(90))
        assert found(FRESHNESS, documents=late, runs=RunsState(jobs))["freshness_exceeded"].cause == cause


def test_a_file_that_refresh_after_refresh_cannot_read() -> None:
    runs = RunsState((job("refresh", "success", "success", "success"),))
    one = found(FRESHNESS, documents=documents(waiting=waiting(65)), runs=runs)["files_failing"]
    assert (one.value, one.since) == (3, NOW - HOUR)
    assert "files_failing" not in found(FRESHNESS, documents=documents(waiting=waiting(59)), runs=runs)


def monitored(changed: datetime, now: datetime) -> System:
    """The system at a time, with a file that changed and no refresh since."""
    last = JobState(
        ScheduledJob("refresh", "", "UTC", True, NOW - 30 * DAY, (JobRun(NOW - DAY, NOW - DAY, "success"),))
    )
    waiting = (WaitingFile("a.md", changed),)
    return healthy(now=now, documents=documents(waiting=waiting), runs=RunsState((last,)))


@given(after=st.timedeltas(timedelta(0), DAY))
def test_a_change_that_no_refresh_publishes_is_found_within_one_interval_of_the_schedule(after: timedelta) -> None:
    """The schedule in the bundle, whenever the file changes: the first run after the service level ended finds it."""
    definition = yaml.safe_load((Path(__file__).parents[4] / "resources" / "monitor.job.yml").read_text())
    cron = definition["resources"]["jobs"]["monitor"]["schedule"]["quartz_cron_expression"]
    times = JobState(ScheduledJob("monitor", cron, "UTC", False, NOW)).due(NOW + 2 * DAY)
    interval = max(later - earlier for earlier, later in pairwise(times))
    changed = NOW + after
    late = changed + timedelta(minutes=USE_CASE.sla.freshness_minutes)
    first = next(at for at in times if list(FRESHNESS.check(monitored(changed, at))))
    (one,) = FRESHNESS.check(monitored(changed, first))
    assert late < first <= late + interval and interval == timedelta(minutes=30)
    assert (one.check, one.since) == ("freshness_exceeded", late)
    assert one.cause and "has not run since" in one.cause
