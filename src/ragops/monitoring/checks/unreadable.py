"""Checks of what the monitor itself can read: sources, clocks, tables of other versions."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import Found
from ragops.monitoring.system.system import System


def check(system: System) -> Iterator[Found]:
    """Sources that could not be read."""
    for one in system.problems():
        yield Found(
            check="source_unreadable",
            subject=one.source,
            severity="high",
            title=f"{one.source} cannot be read: nothing is known about it",
            since=system.now,
            details=one.reason,
            action="Resolve the error; what was found about it before stays open until then.",
            command="ragops doctor",
        )


UNREADABLE = Topic(
    "sources",
    check,
    (),
    {"source_unreadable": "a source of the monitor cannot be read, so that nothing is known about it"},
)
