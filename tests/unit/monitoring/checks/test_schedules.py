"""Jobs that did not run when they were due, whose schedules are paused, and that fail."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ragops.monitoring.checks.schedules import SCHEDULES
from ragops.monitoring.system.runs import JobState, RunsState
from tests.support.found_systems import DAY, HOUR, found, healthy, job
from tests.support.monitored import NOW


def test_a_job_that_ran_when_it_was_due_has_no_finding() -> None:
    assert not found(SCHEDULES)
    assert not found(SCHEDULES, runs=RunsState((job("refresh", "success", last=timedelta(minutes=29)),)))


def test_a_job_that_did_not_run_is_found_since_it_was_due() -> None:
    one = found(SCHEDULES, runs=RunsState((job("refresh", "success", last=3 * HOUR),)))["schedule_missed"]
    assert (one.subject, one.severity, one.value) == ("refresh", "high", 5)
    assert one.since == NOW - 2.5 * HOUR
    assert "has not run since 2026-11-30 06:00 UTC, although it was due 5 times" in one.title


def test_it_is_found_within_one_interval() -> None:
    at_least = job("refresh", "success", last=timedelta(minutes=41))
    assert found(SCHEDULES, runs=RunsState((at_least,)))["schedule_missed"].value == 1


def test_a_job_that_never_ran_was_due_since_its_deployment() -> None:
    nightly = job("evaluate", cron="0 20 3 * * ?")
    one = found(SCHEDULES, runs=RunsState((nightly,)))["schedule_missed"]
    assert (one.severity, one.value) == ("low", 30) and "has not run yet" in one.title


def test_skipped_runs_do_not_count_and_a_running_one_is_not_late() -> None:
    assert found(SCHEDULES, runs=RunsState((job("refresh", "skipped", "skipped", "skipped", "success"),)))
    assert not found(SCHEDULES, runs=RunsState((job("refresh", "running", last=3 * HOUR),)))


def test_paused_schedules_count_only_where_others_run() -> None:
    jobs = job("refresh", "success", paused=True, last=DAY), job("collect_calls", "success", cron="0 10 * * * ?")
    one = found(SCHEDULES, runs=RunsState(jobs))["schedule_paused"]
    assert (one.subject, one.severity) == ("refresh", "high")
    assert not found(SCHEDULES, runs=RunsState(jobs[:1]))


def test_a_job_that_fails_is_found_since_its_first_failure() -> None:
    one = found(SCHEDULES, runs=RunsState((job("refresh", "running", "failed", "failed", "success"),)))["job_failing"]
    assert (one.value, one.since) == (2, NOW - HOUR)
    assert "the last good run began at 2026-11-30 07:30 UTC" in one.details
    assert not found(SCHEDULES, runs=RunsState((job("refresh", "success", "failed"),)))


def test_the_cause_of_a_failing_job_is_the_error_of_its_last_run() -> None:
    one = job("refresh", "failed", "failed", "success")
    assert found(SCHEDULES, runs=RunsState((one,)))["job_failing"].cause is None
    runs = tuple(replace(run, error=f"task ingest: error {number}") for number, run in enumerate(one.job.runs))
    one = JobState(replace(one.job, runs=runs))
    assert found(SCHEDULES, runs=RunsState((one,)))["job_failing"].cause == "its last run failed: task ingest: error 0"


@pytest.mark.parametrize(
    ("cron", "due"),
    [
        ("0 0/30 * * * ?", 4),
        ("0 0 8 ? * MON", 1),  # NOW is a Monday
        ("0 0 8 ? * 2", 1),
        ("0 0 8 ? * 1", 0),
        ("0 0 8 ? * 2-6", 1),
        ("0 0 8 ? * 2#5", 1),
        ("0 0 8 L * ?", 1),
        ("0 0 8 * * ? 2026", 1),
        ("0 0 8 LW * ?", 0),  # not understood: nothing is claimed
        ("nonsense", 0),
    ],
)
def test_quartz_expressions_are_understood(cron: str, due: int) -> None:
    assert len(job("refresh", "success", cron=cron, last=2 * HOUR).due(NOW)) == due


def test_a_schedule_has_a_time_zone() -> None:
    one = job("refresh", "success", cron="0 30 3 * * ?", last=3 * HOUR)
    berlin = type(one)(type(one.job)(one.name, one.job.cron, "America/New_York", False, one.job.since, one.job.runs))
    assert berlin.due(NOW) == (NOW - timedelta(minutes=30),)
    assert healthy().refresh is not None
