"""Checks of freshness: from the change of a file until searches find it, against the service level."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.checks.wording import at, counted, lasting, listed
from ragops.monitoring.finding import Found, Unreadable
from ragops.monitoring.system.documents import DocumentsState, WaitingFile
from ragops.monitoring.system.runs import JobState
from ragops.monitoring.system.system import System

_MINUTE = timedelta(minutes=1)


def check(system: System) -> Iterator[Found]:
    """Files that wait for longer than the service level allows, and files that refresh after refresh does not read."""
    documents = system.documents
    assert isinstance(documents, DocumentsState)
    index = system.index
    unpublished = () if isinstance(index, Unreadable) else index.unpublished
    waiting = sorted((*documents.waiting, *unpublished), key=lambda one: one.changed_at)
    yield from _late(system, waiting)
    yield from _failing(system, documents)


def _late(system: System, waiting: list[WaitingFile]) -> Iterator[Found]:
    limit = system.use_case.sla.freshness_minutes * _MINUTE
    late = [one for one in waiting if system.now - one.changed_at > limit]
    if not late:
        return
    longest, why = system.now - late[0].changed_at, _why(system.refresh, late)
    yield Found(
        check="freshness_exceeded",
        subject="",
        severity="high",
        title=f"{counted(len(late), 'file')} not found by searches, for up to {lasting(longest)} after being changed",
        since=late[0].changed_at + limit,
        value=longest / _MINUTE,
        expected=limit / _MINUTE,
        unit="min",
        details=f"The longest waiting: {listed([one.path for one in late])}.",
        causes=() if why else ("deployment",),
        cause=why,
        action="Run the refresh job; if it fails, resolve its error first.",
        command="ragops documents",
    )


def _why(refresh: JobState | None, late: list[WaitingFile]) -> str | None:
    if refresh is None:
        return None
    if refresh.last_started is None:
        return "the refresh job has never run"
    if refresh.failures and refresh.last_state == "failed":
        return f"the refresh job fails since {at(refresh.failures[-1].started)}"
    if refresh.last_started < late[0].changed_at:
        return f"the refresh job has not run since {at(refresh.last_started)}"
    if all(one.ingested for one in late):
        return "the files are in the table documents, and not published in the live index"
    return None


def _failing(system: System, documents: DocumentsState) -> Iterator[Found]:
    most, refresh = system.use_case.monitoring.max_failures, system.refresh
    if refresh is None:
        return
    tried = {one: refresh.succeeded_since(one.changed_at) for one in documents.waiting}
    failing = [one for one, times in tried.items() if times >= most]
    if not failing:
        return
    yield Found(
        check="files_failing",
        subject="",
        severity="high",
        title=f"{counted(len(failing), 'file')} that no refresh can read, after up to {max(tried.values())} runs",
        since=_first_try(refresh, failing[0].changed_at),
        value=float(max(tried.values())),
        expected=0.0,
        unit="number",
        details=f"They are in no quarantine either: {listed([one.path for one in failing])}.",
        causes=("parser", "deployment"),
        action="Look whether the files change all the time, or whether their storage fails; the run's page says which.",
        command="ragops documents",
    )


def _first_try(refresh: JobState, changed: datetime) -> datetime:
    return min((one.started for one in refresh.job.runs if one.started > changed), default=changed)


FRESHNESS = Topic(
    "freshness",
    check,
    ("documents",),
    {
        "freshness_exceeded": "files wait for longer than `sla.freshness_minutes` until searches find them",
        "files_failing": "files that `monitoring.max_failures` successful refreshes in a row could not read",
    },
)
