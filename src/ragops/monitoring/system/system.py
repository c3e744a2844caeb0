"""A running system as its checks see it: read once, a value without Spark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

import pandas as pd

from ragops.exploration.profile import Profile
from ragops.monitoring.finding import Change, Unreadable
from ragops.monitoring.system.coverage import Coverage
from ragops.monitoring.system.document_history import DocumentHistory
from ragops.monitoring.system.documents import DocumentsState
from ragops.monitoring.system.index import IndexState
from ragops.monitoring.system.instructing import Instructing
from ragops.monitoring.system.records import Waiting
from ragops.monitoring.system.rejudged import no_rejudged
from ragops.monitoring.system.rows import TableState
from ragops.monitoring.system.runs import REFRESH, JobState, RunsState
from ragops.usecase import UseCase

Frame = pd.DataFrame | Unreadable
"""Rows with times in UTC; without rows all columns are there nevertheless."""


@dataclass(frozen=True)
class System:
    """Everything that a run of the monitor has read.

    A source that could not be read is an `Unreadable`; checks of it are not run then.

    Attributes:
        now: the time of the run, in UTC.
        use_case: the use case as it is deployed.
        documents: the table of documents, and the files that it is made from.
        history: what became of the documents in both windows.
        index: the live generation, compared with the tables.
        runs: runs of the bundle's other jobs.
        answers: rows of the table `answers` of both windows.
        calls: rows of `llm_calls` of both windows, without payloads.
        feedback: rows of `feedback` of both windows.
        judgments: rows of `judgments` of both windows.
        metrics: the rows of `metrics` of a year.
        traces: a sample of the answers with traces, and whether MLflow's store has these.
        waiting: files of the ledger that no job has collected yet.
        rejudged: answers that judges judged a second time.
        coverage: which documents the answers of both windows used.
        instructing: documents that speak to the model instead of to readers.
        profile: the last profile of the job explore; None without one.
        changes: what was changed, newest first.
        tables: what is unusual about the tables that were read.
        unreadable: further sources that could not be read, such as a part of the changes.
    """

    now: datetime
    use_case: UseCase
    documents: DocumentsState | Unreadable
    history: DocumentHistory | Unreadable
    index: IndexState | Unreadable
    runs: RunsState | Unreadable
    answers: Frame
    calls: Frame
    feedback: Frame
    judgments: Frame
    metrics: Frame
    traces: Frame
    coverage: Coverage | Unreadable = Coverage()
    waiting: Waiting | Unreadable = Waiting()
    instructing: tuple[Instructing, ...] | Unreadable = ()
    rejudged: Frame = field(default_factory=no_rejudged)
    profile: Profile | Unreadable | None = None
    changes: tuple[Change, ...] = ()
    tables: tuple[TableState, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def refresh(self) -> JobState | None:
        """The job refresh; None if its runs could not be read, or if it is not deployed."""
        return None if isinstance(self.runs, Unreadable) else self.runs.find(REFRESH)

    @property
    def recent_since(self) -> datetime:
        """Where the recent window begins; it ends now."""
        return self.now - timedelta(hours=self.use_case.monitoring.recent_hours)

    @property
    def baseline_since(self) -> datetime:
        """Where the baseline begins; it ends where the recent window begins."""
        return self.recent_since - timedelta(days=self.use_case.monitoring.baseline_days)

    def problems(self) -> Iterator[Unreadable]:
        """All sources that could not be read."""
        for one in fields(self):
            if isinstance(value := getattr(self, one.name), Unreadable):
                yield value
        yield from self.unreadable
