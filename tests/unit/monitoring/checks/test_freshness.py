"""Files that wait: since when, how long, and why."""

from datetime import timedelta

from ragops.monitoring.checks.freshness import FRESHNESS
from ragops.monitoring.finding import Unreadable
from ragops.monitoring.system.documents import WaitingFile
from ragops.monitoring.system.runs import RunsState
from tests.support.found_systems import HOUR, documents, found, index, job
from tests.support.monitored import NOW

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
    assert one.cause == "the files are in the table documents, and were not published"


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
