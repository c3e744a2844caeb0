"""Parts of a healthy system as the monitor reads them: documents, index, jobs; each test breaks one."""

from datetime import timedelta
from typing import Any

from ragops.corpus.index.generations.verify import VerifyReport
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import Found
from ragops.monitoring.system.document_history import DocumentCommit, DocumentHistory
from ragops.monitoring.system.documents import DocumentsState
from ragops.monitoring.system.golden import Recall
from ragops.monitoring.system.index import IndexState
from ragops.monitoring.system.runs import JobState, RunsState
from ragops.monitoring.system.system import System
from ragops.platform.job_runs import JobRun, RunState, ScheduledJob
from tests.support.monitored import NOW, an_empty_system

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIVE, BEFORE = "000007-1a2b3c4d", "000006-1a2b3c4d"
FOLDERS = {"guide": 60, "reference": 40}


def documents(**fields: Any) -> DocumentsState:
    known: dict[str, Any] = {"documents": 100, "refused": (), "waiting": (), "vanished": (), "ahead": ()}
    known |= {"newest": NOW - HOUR, "characters": 100_000, "folders": FOLDERS, "landing": "/landing"}
    return DocumentsState(**(known | fields))


def history(**fields: Any) -> DocumentHistory:
    known: dict[str, Any] = {"since": NOW - 15 * DAY, "commits": (DocumentCommit(NOW - 10 * DAY, 100, 0, 0),)}
    return DocumentHistory(**(known | fields))


def report(**fields: Any) -> VerifyReport:
    known: dict[str, Any] = dict.fromkeys(("missing", "stale", "different", "wrong_vectors", "problems"), ())
    return VerifyReport(**({"generation": LIVE, "rows": 1000, "vectors_checked": 64} | known | fields))


def index(**fields: Any) -> IndexState:
    known: dict[str, Any] = {"wanted_fingerprint": "1a2b3c4d" * 8, "fingerprint": "1a2b3c4d" * 8, "encoder": "minilm"}
    known |= {"generation": LIVE, "newest": LIVE, "newest_built_at": NOW - 2 * HOUR, "previous": BEFORE, "rows": 1000}
    known |= {"published_at": NOW - 2 * HOUR, "built_at": NOW - 2 * HOUR, "tables_changed_at": NOW - 3 * HOUR}
    known |= {"verified": report(), "encoded": 16, "recall": Recall(100, 80, before=BEFORE)}
    return IndexState(**(known | fields))


def job(
    name: str = "refresh",
    *states: RunState,
    cron: str = "0 0/30 * * * ?",
    every: timedelta = timedelta(minutes=30),
    paused: bool = False,
    last: timedelta = timedelta(0),
) -> JobState:
    """A job whose runs ended like this, the last first; the last one began `last` before the full hour."""
    start = NOW.replace(minute=0) - last
    runs = [JobRun(start - n * every, start - n * every + timedelta(minutes=5), s) for n, s in enumerate(states)]
    return JobState(ScheduledJob(name, cron, "UTC", paused, NOW - 30 * DAY, tuple(runs)))


def healthy(**fields: Any) -> System:
    known: dict[str, Any] = {"documents": documents(), "history": history(), "index": index()}
    known |= {"runs": RunsState((job("refresh", "success", "success"),))}
    return an_empty_system(**(known | fields))


def found(topic: Topic, **fields: Any) -> dict[str, Found]:
    """What a topic finds in an otherwise healthy system, by check; each check at most once."""
    some = list(topic.check(healthy(**fields)))
    assert {one.check for one in some} <= topic.findings.keys()
    assert len({one.key for one in some}) == len(some)
    assert all(one.since <= NOW and len(one.title) <= 110 for one in some), some
    return {one.check: one for one in some}
