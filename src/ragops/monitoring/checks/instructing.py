"""Checks of documents that instruct the model, which readers have no use for."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ragops.monitoring.checks.blocks import recent
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.checks.wording import counted
from ragops.monitoring.finding import Found, Unreadable
from ragops.monitoring.system.instructing import Instructing
from ragops.monitoring.system.system import System


def check(system: System) -> Iterator[Found]:
    """A finding for each document; high if questions of the recent window have found it."""
    assert not isinstance(system.instructing, Unreadable)
    by_path: dict[str, list[Instructing]] = {}
    for one in system.instructing:
        by_path.setdefault(one.path, []).append(one)
    for path, ways in sorted(by_path.items()):
        yield _found(system, path, ways)


def _found(system: System, path: str, ways: list[Instructing]) -> Found:
    given = _given(system, path)
    what = " and ".join(one.how for one in ways)
    return Found(
        check="document_instructs",
        subject=path,
        severity="high" if given else "low",
        title=f"{path} contains {what}; {counted(given, 'answer')} had it among the passages"[:160],
        since=min(one.since for one in ways),
        value=float(given),
        expected=0.0,
        unit="number",
        details="\n".join(f"{one.how}: {one.words}" for one in ways),
        causes=("corpus",),
        cause=f"the document {path} speaks to the model",
        action="Read the document; remove it unless it is about such texts, and find out who may write the folder.",
        command="ragops documents",
    )


def _given(system: System, path: str) -> int:
    """How many answers of the recent window were given a passage of it."""
    if not isinstance(system.answers, pd.DataFrame) or system.answers.empty:
        return 0
    now = recent(system, system.answers)
    return int(now["paths"].map(lambda paths: paths is not None and path in paths).sum())


INSTRUCTING = Topic(
    "instructions",
    check,
    ("instructing",),
    {"document_instructs": "a document gives orders to the model, contains syntax of chats, or invisible text"},
)
