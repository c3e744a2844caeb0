"""Reads rows of a table for the checks: times in UTC, without rows from the future, whatever the table's version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from ragops.errors import UserError
from ragops.monitoring.finding import Unreadable
from ragops.platform.tables import Table
from ragops.platform.workspace import Workspace
from ragops.text import reason

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

T = TypeVar("T")
CLOCK_TOLERANCE = timedelta(minutes=5)
"""Rows dated this much later than now count as dated in the future: clocks differ, and rows arrive meanwhile."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TableState:
    """What is unusual about a table.

    Attributes:
        table: its name.
        exists: whether it does; a job creates its tables when it runs first.
        missing: columns that it lacks, since an earlier version of ragops wrote it.
        future: rows that are dated in the future, which nothing else counts.
        newest: the time of the newest of these; None without.
    """

    table: str
    exists: bool = True
    missing: tuple[str, ...] = ()
    future: int = 0
    newest: datetime | None = None


@dataclass(frozen=True)
class Rows:
    """Rows of a table, and what is unusual about it."""

    frame: pd.DataFrame
    state: TableState


def attempt(source: str, read: Callable[[], T]) -> T | Unreadable:
    """What `read` returns, or why it could not: whatever fails, the other sources are read nevertheless."""
    try:
        return read()
    except Exception as error:
        kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        return Unreadable(source, f"{kind}{reason(error)}")


def moment(microseconds: int) -> datetime:
    """A time from its microseconds since 1970, which Spark gives whatever the time zone of its session is."""
    return _EPOCH + timedelta(microseconds=microseconds)


def read_rows(
    workspace: Workspace,
    table: Table,
    *,
    time: str,
    since: datetime,
    now: datetime,
    columns: Sequence[str],
    prepared: Callable[[DataFrame], DataFrame] = lambda rows: rows,
) -> Rows:
    """Rows of a table from `since` until now.

    Args:
        workspace: with the table; where it does not exist, there are no rows.
        table: which one.
        time: its column with the time that counts.
        since: rows before it are left out.
        now: rows after it are left out, and counted.
        columns: what is read; columns that the table does not have are null.
        prepared: what is done to the rows before they are fetched: a further condition, a limit, an aggregation that
            keeps the columns.

    Raises:
        NotPermitted: the current user may not read the table.
    """
    from pyspark.sql import functions as F

    if not workspace.spark.catalog.tableExists(workspace.table(table.name)):
        return Rows(_empty(table, columns), TableState(table.name, exists=False))
    rows = table.read(workspace)
    present = {name.casefold() for name in rows.columns}
    missing = tuple(name for name in table.names if name.casefold() not in present)
    rows = with_all_columns(rows, table)
    at = F.col(time)
    ahead = rows.where(at > F.lit(now + CLOCK_TOLERANCE)).agg(F.count("*"), F.unix_micros(F.max(time))).collect()[0]
    chosen = prepared(rows.where((at >= F.lit(since)) & (at <= F.lit(now))).select(*columns))
    newest = moment(ahead[1]) if ahead[0] else None
    return Rows(_fetched(chosen), TableState(table.name, True, missing, int(ahead[0]), newest))


def with_all_columns(rows: DataFrame, table: Table) -> DataFrame:
    """Rows of a table that an earlier version of ragops wrote, with null in the columns that it lacks."""
    from pyspark.sql import functions as F

    present = {name.casefold() for name in rows.columns}
    missing = {one.name: F.lit(None).cast(one.type) for one in table.columns if one.name.casefold() not in present}
    return rows.withColumns(missing) if missing else rows


def _empty(table: Table, columns: Sequence[str]) -> pd.DataFrame:
    times = {column.name for column in table.columns if column.type == "TIMESTAMP"}
    kinds = {name: "datetime64[us, UTC]" if name in times else "object" for name in columns}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _fetched(rows: DataFrame) -> pd.DataFrame:
    """The rows with their times in UTC, whatever the session's time zone is."""
    from pyspark.sql import functions as F

    times = [name for name, kind in rows.dtypes if kind == "timestamp"]
    for name in times:
        rows = rows.withColumn(name, F.unix_micros(name))
    frame = rows.toPandas()
    return frame.assign(**{name: pd.to_datetime(frame[name], unit="us", utc=True) for name in times})
