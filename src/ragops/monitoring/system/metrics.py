"""Measured values: the rows of the table `metrics` of both windows, and the latest one of each measure."""

from __future__ import annotations

from datetime import datetime, timedelta

from ragops.monitoring.system.rows import Rows, read_rows
from ragops.platform.workspace import Workspace
from ragops.quality.criteria.rows import METRICS

COLUMNS = ("name", "value", "low", "high", "n", "measured_at", "source", "chain", "generation", "question_set")
_AS_FAR_BACK = timedelta(days=366)


def read_metrics(workspace: Workspace, now: datetime) -> Rows:
    """All rows of a year: a few for each run of a job; a criterion may be measured once a month only.

    Raises:
        NotPermitted: the current user may not read the table.
    """
    return read_rows(workspace, METRICS, time="measured_at", since=now - _AS_FAR_BACK, now=now, columns=COLUMNS)
