"""Checks of what the monitor itself reads: sources, clocks, tables of earlier versions."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.checks.wording import at, counted, lasting, listed
from ragops.monitoring.finding import Found
from ragops.monitoring.system.documents import DocumentsState
from ragops.monitoring.system.index import IndexState
from ragops.monitoring.system.rows import CLOCK_TOLERANCE, TableState
from ragops.monitoring.system.system import System


def check(system: System) -> Iterator[Found]:
    """Sources that could not be read, times in the future, and columns that are missing."""
    for one in system.problems():
        yield Found(
            check="source_unreadable",
            subject=one.source,
            severity="high",
            title=f"{one.source.replace('_', ' ')} cannot be read: nothing is known about it",
            since=system.now,
            details=one.reason,
            cause=one.reason[:200],
            action="Resolve the error; what was found about it before stays open until then.",
            command="ragops doctor",
        )
    for table in system.tables:
        yield from _table(system, table)
    yield from _files(system)
    yield from _index(system)


def _table(system: System, table: TableState) -> Iterator[Found]:
    if table.future and table.newest:
        yield _ahead(
            system,
            f"table {table.table}",
            f"{counted(table.future, 'row')} of {table.table} dated in the future, "
            f"up to {lasting(table.newest - system.now)} ahead",
            f"The newest is dated {at(table.newest)}. Nothing else counts these rows.",
        )
    if table.missing:
        yield Found(
            check="table_outdated",
            subject=table.table,
            severity="low",
            title=f"table {table.table} is of an earlier version of ragops: it lacks {len(table.missing)} columns",
            since=system.now,
            details=f"Missing: {listed(table.missing)}. What they would say is not checked.",
            causes=("deployment",),
            action="Run the job that writes the table, which adds the columns.",
            command="ragops doctor",
        )


def _files(system: System) -> Iterator[Found]:
    documents = system.documents
    if isinstance(documents, DocumentsState) and documents.ahead:
        newest = max(one.changed_at for one in documents.ahead)
        yield _ahead(
            system,
            "landing folder",
            f"{counted(len(documents.ahead), 'file')} dated in the future, up to {lasting(newest - system.now)} ahead",
            f"{listed([one.path for one in documents.ahead])}. Their freshness is not known.",
        )


def _index(system: System) -> Iterator[Found]:
    index = system.index
    if not isinstance(index, IndexState) or index.published_at is None:
        return
    if index.published_at > system.now + CLOCK_TOLERANCE:
        yield _ahead(
            system,
            "index",
            f"the index was published in the future, {lasting(index.published_at - system.now)} ahead",
            f"{index.generation} is dated {at(index.published_at)}.",
        )


def _ahead(system: System, subject: str, title: str, details: str) -> Found:
    return Found(
        check="clock_ahead",
        subject=subject,
        severity="high",
        title=title,
        since=system.now,
        details=details,
        cause="the clock of what wrote them is wrong, or this machine's is",
        action="Set the clocks by NTP, and look which program wrote these rows or files.",
        command="ragops doctor",
    )


SOURCES = Topic(
    "sources",
    check,
    (),
    {
        "source_unreadable": "a source of the monitor cannot be read, so that nothing is known about it",
        "clock_ahead": "rows, files or an index that are dated more than five minutes in the future",
        "table_outdated": "a table lacks columns, since an earlier version of ragops wrote it",
    },
)
