"""Tables: declared once, compared and changed in one way.

Every stage is a diff between its input and its output, applied in one MERGE: a crash anywhere, and the next run
converges. MERGE is SQL since Spark Connect has no DeltaTable API of its own.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid
from tenacity import Retrying, retry_if_exception_message, stop_after_delay, wait_fixed

from ragops.errors import UserError, needing
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


# What open-source Delta says while another session creates the same table: its folder is begun and holds no commit
# yet, or the first commit is there and the catalog does not know of it yet.
_BEING_CREATED = r"(?s).*(DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION|DELTA_PROTOCOL_CHANGED|DELTA_METADATA_CHANGED)"
_FIRST_COMMIT_SECONDS = 30
CONFLICT = re.compile(r"DELTA_CONCURRENT_|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED|Concurrent\w*Exception")
"""How Delta says that a commit lost against another: here by open-source Delta, there by Databricks' own."""
# How Spark says that the process of a function was ended: by the memory limit of Databricks' sandbox, or by the kernel,
# which says nothing itself.
_KILLED = re.compile(r"UDF_PYSPARK_USER_CODE_ERROR\.MEMORY_LIMIT\w*|Python worker exited unexpectedly")


@dataclass(frozen=True)
class Column:
    """One column: its name, its Spark SQL type, and what it holds."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Table:
    """One Delta table. `key` identifies a row; `informative` columns alone never make a row count as changed."""

    name: str
    comment: str
    key: str
    columns: tuple[Column, ...]
    cluster_by: str | None = None
    informative: tuple[str, ...] = field(default=())

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]

    @property
    def schema(self) -> str:
        """The columns as a Spark DDL string, as mapInPandas and createDataFrame take it."""
        return ", ".join(f"`{column.name}` {column.type}" for column in self.columns)

    def create(self, workspace: Workspace) -> None:
        """Makes the table when it is not there, and adds columns that an earlier version of it lacks.

        Never replaces one, since readers follow its history.

        Raises:
            UserError: it is missing, or lacks columns, and may not be made or changed here.
        """
        if not self._exists(workspace):
            for attempt in Retrying(
                retry=retry_if_exception_message(match=_BEING_CREATED),
                stop=stop_after_delay(_FIRST_COMMIT_SECONDS),
                wait=wait_fixed(0.2),
                reraise=True,
            ):
                with attempt:
                    self._make(workspace)
            return
        held = {name.casefold() for name in self.read(workspace).columns}
        if new := [c for c in self.columns if c.name.casefold() not in held]:
            added = ", ".join(f"`{c.name}` {c.type} COMMENT {quoted(c.comment)}" for c in new)
            statement = f"ALTER TABLE {workspace.table(self.name)} ADD COLUMNS ({added})"
            workspace.execute(statement, "MODIFY", f"table {workspace.registered(self.name)}")

    def _exists(self, workspace: Workspace) -> bool:
        return workspace.spark.catalog.tableExists(workspace.table(self.name))

    def _make(self, workspace: Workspace) -> None:
        columns = ", ".join(f"`{c.name}` {c.type} COMMENT {quoted(c.comment)}" for c in self.columns)
        cluster = f" CLUSTER BY (`{self.cluster_by}`)" if self.cluster_by else ""
        try:
            workspace.execute(
                f"CREATE TABLE IF NOT EXISTS {workspace.table(self.name)} ({columns}) USING delta{cluster} "
                f"COMMENT {quoted(self.comment)} TBLPROPERTIES (delta.enableChangeDataFeed = true)",
                "CREATE TABLE",
                f"schema {workspace.catalog}.{workspace.schema}",
            )
        except Exception:  # another session made it meanwhile, which is reported in several ways
            if not self._exists(workspace):
                raise

    def read(self, workspace: Workspace) -> DataFrame:
        """The table's rows. It is looked at at once: once the rows come, nobody can tell what was refused.

        Raises:
            NotPermitted: they may not be read here.
        """
        with needing("SELECT", f"table {workspace.registered(self.name)}"):
            rows = workspace.spark.table(workspace.table(self.name))
            _ = rows.schema
        return rows


@dataclass
class StageReport:
    """What one stage did: rows by what became of them in all its slices, and seconds."""

    stage: str
    read: int = 0
    added: int = 0
    changed: int = 0
    deleted: int = 0
    failed: int = 0
    seconds: float = 0.0
    note: str = ""

    @property
    def idle(self) -> bool:
        """True when the stage found nothing to do."""
        return not (self.added or self.changed or self.deleted or self.failed)

    def count(self, merged: MergeCounts) -> None:
        """Adds what a MERGE did."""
        self.added += merged.inserted
        self.changed += merged.updated
        self.deleted += merged.deleted

    def progress(self, number: int, done: int, of: int, what: str) -> None:
        """Prints which slice was merged, and how much of all that was to do; nothing where one slice is all."""
        if number > 1 or done < of:
            print(f"{self.stage}: slice {number} merged, {done:,} of {of:,} {what}", flush=True)

    def show(self) -> None:
        """Prints the report as a small table."""
        grid = Grid(title=None, box=None, pad_edge=False)
        values = {
            "stage": self.stage,
            "read": f"{self.read:,}",
            "added": f"{self.added:,}",
            "changed": f"{self.changed:,}",
            "deleted": f"{self.deleted:,}",
            "failed": f"{self.failed:,}",
            "seconds": f"{self.seconds:.1f}",
        }
        for name in values:
            grid.add_column(name, justify="left" if name == "stage" else "right")
        grid.add_row(*values.values())
        console = Console(width=100, force_jupyter=False, color_system=None)
        console.print(grid)
        if self.note:
            console.print(self.note)

    @contextmanager
    def timed(self) -> Iterator[StageReport]:
        """Counts the seconds spent inside the block."""
        started = time.monotonic()
        try:
            yield self
        finally:
            self.seconds = time.monotonic() - started


@dataclass(frozen=True)
class MergeCounts:
    """Rows a MERGE changed."""

    updated: int = 0
    deleted: int = 0
    inserted: int = 0


@dataclass(frozen=True)
class Difference:
    """What stands between a stage's input and its output, by the ids of documents.

    `stale`: held in any other version than the one that is wanted; everything of theirs goes. `changed`: to be made.
    """

    changed: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def none(self) -> bool:
        """True when output and input are in step."""
        return not (self.changed or self.stale)


def difference(wanted: Mapping[str, Hashable], held: Iterable[tuple[str, Hashable]]) -> Difference:
    """Compares ids and versions; an id may be held in several.

    On the driver, which listed the documents anyway: an id and a version each are little, and joins of small tables
    cost seconds.
    """
    known: dict[str, set[Hashable]] = {}
    for key, version in held:
        known.setdefault(key, set()).add(version)
    return Difference(
        changed=tuple(key for key, version in wanted.items() if known.get(key) != {version}),
        stale=tuple(key for key, versions in known.items() if key not in wanted or versions != {wanted[key]}),
    )


def ids_frame(workspace: Workspace, name: str, ids: Iterable[str]) -> DataFrame:
    """The ids as a frame of one column."""
    return workspace.spark.createDataFrame([(key,) for key in ids], f"{name} STRING")


def parallelism(workspace: Workspace) -> int:
    """How many tasks run at a time: the cluster's cores, as Spark splits a range by default."""
    from pyspark.sql import functions as F

    return workspace.spark.range(10_000).select(F.spark_partition_id()).distinct().count()


def merge(workspace: Workspace, table: Table, rows: DataFrame, replacing: DataFrame | None = None) -> MergeCounts:
    """Puts `rows` in the place of the rows whose keys `replacing` holds, in one MERGE; without it, only adds.

    A key in both is updated where a column differs, one only in `rows` is inserted, one only in `replacing` is
    deleted. One outer join finds that out, so that the expensive source of `rows` (a parser, a model) runs once.

    Raises:
        NotPermitted: the table may not be changed here.
        UserError: a worker that made the rows was killed, or another run changed the table; nothing was merged.
    """
    from pyspark.sql import functions as F

    source = rows.select(*table.names).withColumn("_fresh", F.lit(True))
    if replacing is not None:
        old = replacing.select(F.col(table.key).alias("_old_key")).distinct()
        joined = source.join(old, source[table.key] == old["_old_key"], "full_outer")
        source = joined.withColumn(table.key, F.coalesce(table.key, "_old_key")).drop("_old_key")
    view = f"merge_{uuid.uuid4().hex}"
    source.createOrReplaceTempView(view)
    try:
        statement, on = _merge_statement(workspace, table, view), f"table {workspace.registered(table.name)}"
        with _explained(table):
            done = workspace.execute(statement, "MODIFY and SELECT", on).collect()[0]
    finally:
        workspace.spark.catalog.dropTempView(view)
    return MergeCounts(
        updated=int(done["num_updated_rows"]),
        deleted=int(done["num_deleted_rows"]),
        inserted=int(done["num_inserted_rows"]),
    )


@contextmanager
def _explained(table: Table) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if found := _KILLED.search(str(error)):
            raise UserError(
                f"{table.name}: a worker of Spark was killed, as a rule for want of memory ({found[0]}); slices merged "
                "before are kept: run it again where workers have more memory"
            ) from error
        if CONFLICT.search(str(error)):
            raise UserError(
                f"{table.name}: another run changed it meanwhile; slices merged before are kept: run this again once "
                "that has ended"
            ) from error
        raise


def _merge_statement(workspace: Workspace, table: Table, view: str) -> str:
    compared = [name for name in table.names if name != table.key and name not in table.informative]
    differs = " OR ".join(f"NOT (t.`{name}` <=> s.`{name}`)" for name in compared) or "false"
    values = ", ".join(f"t.`{name}` = s.`{name}`" for name in table.names)
    columns = ", ".join(f"`{name}`" for name in table.names)
    inserted = ", ".join(f"s.`{name}`" for name in table.names)
    return (
        f"MERGE INTO {workspace.table(table.name)} t USING {view} s ON t.`{table.key}` = s.`{table.key}` "
        f"WHEN MATCHED AND s._fresh IS NULL THEN DELETE "
        f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {values} "
        f"WHEN NOT MATCHED AND s._fresh THEN INSERT ({columns}) VALUES ({inserted})"
    )


def quoted(text: str) -> str:
    """A text as a literal of Spark SQL. Open-source Delta's parser binds no parameters (delta-io/delta #7640)."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
