"""Findings from run to run: opened once, closed when they are gone, opened again when they come back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ragops.monitoring.causes import Cause
from ragops.monitoring.finding import FINDINGS, Finding, Found
from ragops.monitoring.system.rows import moment, with_all_columns
from ragops.platform.merge import merge
from ragops.platform.workspace import Workspace
from ragops.text import digest

if TYPE_CHECKING:
    from pyspark.sql import Row

_TIMES = ("since", "opened_at", "seen_at", "closed_at")


@dataclass(frozen=True)
class Updated:
    """What a run makes of the findings.

    Attributes:
        open: all that are open now, those of this run and those that it could not examine; the worst first.
        opened: those of them that were not open before.
        closed: those that are gone.
    """

    open: tuple[Finding, ...]
    opened: tuple[Finding, ...]
    closed: tuple[Finding, ...]

    @property
    def rows(self) -> tuple[Finding, ...]:
        """The rows to write."""
        return (*self.open, *self.closed)


def update(
    known: Iterable[Finding],
    found: Sequence[tuple[Found, Cause | None]],
    examined: Collection[str],
    now: datetime,
) -> Updated:
    """Compares what a run found with the findings that are known.

    Args:
        known: the last row of each finding, open or closed.
        found: what this run found, with likely causes.
        examined: ids of the checks that were run: findings of others remain as they are.
        now: the time of the run.
    """
    last: dict[tuple[str, str], Finding] = {}
    for one in sorted(known, key=lambda one: one.opened_at):
        last[one.check, one.subject] = one
    seen = {one.key: _row(one, cause, last.get(one.key), now) for one, cause in found}
    before = {key: one for key, one in last.items() if one.closed_at is None}
    gone = [one for key, one in before.items() if key not in seen and one.check in examined]
    kept = [one for key, one in before.items() if key not in seen and one.check not in examined]
    return Updated(
        open=tuple(sorted((*seen.values(), *kept), key=_order)),
        opened=tuple(one for key, one in seen.items() if key not in before),
        closed=tuple(one.model_copy(update={"closed_at": now}) for one in gone),
    )


def read_findings(workspace: Workspace) -> list[Finding]:
    """The last row of each finding, open or closed; [] before the first run.

    Raises:
        NotPermitted: the current user may not read the table.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    if not workspace.spark.catalog.tableExists(workspace.table(FINDINGS.name)):
        return []
    newest = Window.partitionBy("check", "subject").orderBy(F.desc("opened_at"))
    known = with_all_columns(FINDINGS.read(workspace), FINDINGS)
    rows = known.withColumn("_age", F.row_number().over(newest)).where("_age = 1")
    columns = [F.unix_micros(name).alias(name) if name in _TIMES else F.col(name) for name in FINDINGS.names]
    return [_read(row) for row in rows.select(*columns).collect()]


def write_findings(workspace: Workspace, updated: Updated) -> None:
    """Writes what has become of the findings. Raises UserError if the table cannot be written."""
    FINDINGS.create(workspace)
    if not updated.rows:
        return
    rows = [tuple(getattr(one, name) for name in FINDINGS.names) for one in updated.rows]
    merge(workspace, FINDINGS, workspace.spark.createDataFrame(rows, FINDINGS.schema))


def _row(found: Found, cause: Cause | None, last: Finding | None, now: datetime) -> Finding:
    """A finding that is still open keeps its identity, its first time and, if nothing newer is known, its cause."""
    is_open = last is not None and last.closed_at is None
    opened = last.opened_at if last and is_open else now
    since = min(found.since, last.since) if last and is_open else min(found.since, now)
    kept = last if is_open else None
    return Finding(
        finding_id=digest([found.check, found.subject, opened.astimezone(UTC).isoformat()])[:32],
        check=found.check,
        subject=found.subject,
        severity=found.severity,
        title=found.title,
        since=since,
        value=found.value,
        expected=found.expected,
        unit=found.unit,
        p_value=found.p_value,
        details=found.details,
        action=found.action,
        command=found.command,
        opened_at=opened,
        seen_at=now,
        closed_at=None,
        occurrence=(last.occurrence + (not is_open)) if last else 1,
        cause=cause.text if cause else kept.cause if kept else None,
        cause_kind=cause.kind if cause else kept.cause_kind if kept else None,
    )


def _order(one: Finding) -> tuple[bool, datetime, str, str]:
    return one.severity != "high", one.since, one.check, one.subject


def _read(row: Row) -> Finding:
    values = {name: value for name, value in row.asDict().items() if value is not None}
    times = {name: moment(values[name]) for name in _TIMES if name in values}
    return Finding.model_validate(values | times)
