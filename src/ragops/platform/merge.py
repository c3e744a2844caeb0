"""Changes to tables: a stage's output is compared with its input, and the difference is applied in one MERGE.

A run that is interrupted anywhere loses nothing: the next one applies what is left of the difference. MERGE is SQL
since Spark Connect has no DeltaTable API of its own.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table as Grid

from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.tables import Table
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CONFLICT = re.compile(r"DELTA_CONCURRENT_|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED|Concurrent\w*Exception")
"""How Delta reports that a commit lost against another: open-source Delta and Databricks' own."""
# How Spark reports that a function's process was killed: by the memory limit of Databricks' sandbox, or by the kernel,
# which gives no reason.
_KILLED = re.compile(r"UDF_PYSPARK_USER_CODE_ERROR\.MEMORY_LIMIT\w*|Python worker exited unexpectedly")


@dataclass(frozen=True)
class MergeCounts:
    """Rows that a MERGE changed."""

    updated: int = 0
    deleted: int = 0
    inserted: int = 0


@dataclass
class StageReport:
    """What one stage did.

    Attributes:
        stage: its name.
        read: rows of its input.
        added: rows added to its output, in all slices.
        changed: rows changed in its output.
        deleted: rows deleted from its output.
        failed: rows that could not be processed.
        seconds: its wall-clock time.
        note: a line printed below the report.
    """

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
        """True if the stage had nothing to do."""
        return not (self.added or self.changed or self.deleted or self.failed)

    def count(self, merged: MergeCounts) -> None:
        """Adds the counts of a MERGE."""
        self.added += merged.inserted
        self.changed += merged.updated
        self.deleted += merged.deleted

    def progress(self, number: int, done: int, of: int, what: str) -> None:
        """Prints that slice `number` was merged and how much is done; prints nothing if there is only one slice."""
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
        output = console.notebook()
        output.print(grid)
        if self.note:
            output.print(self.note)

    @contextmanager
    def timed(self) -> Iterator[StageReport]:
        """Sets `seconds` to the time spent inside the block."""
        started = time.monotonic()
        try:
            yield self
        finally:
            self.seconds = time.monotonic() - started


@dataclass(frozen=True)
class Difference:
    """The difference between a stage's input and its output, by document ids.

    Attributes:
        changed: documents whose output must be computed.
        stale: documents whose output is not of the wanted version; all of their output is replaced.
    """

    changed: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def none(self) -> bool:
        """True if the output matches the input."""
        return not (self.changed or self.stale)


def difference(wanted: Mapping[str, Hashable], existing: Iterable[tuple[str, Hashable]]) -> Difference:
    """Compares ids and versions.

    Done on the driver, which listed the documents anyway: an id and a version each are little data, and joins of
    small tables cost seconds.

    Args:
        wanted: the version by id.
        existing: ids and versions of the output; an id may exist in several versions.
    """
    known: dict[str, set[Hashable]] = {}
    for key, version in existing:
        known.setdefault(key, set()).add(version)
    return Difference(
        changed=tuple(key for key, version in wanted.items() if known.get(key) != {version}),
        stale=tuple(key for key, versions in known.items() if key not in wanted or versions != {wanted[key]}),
    )


def merge(workspace: Workspace, table: Table, rows: DataFrame, replacing: DataFrame | None = None) -> MergeCounts:
    """Replaces the rows whose keys are in `replacing` by `rows`, in one MERGE; without `replacing` none is deleted.

    A key in both is updated where a column differs, one only in `rows` is inserted, one only in `replacing` is
    deleted. One outer join determines that, so that the expensive source of `rows` (a parser, a model) runs once.

    Raises:
        NotPermitted: the current user may not change the table.
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


def ids_frame(workspace: Workspace, name: str, ids: Iterable[str]) -> DataFrame:
    """The ids as a DataFrame of one column."""
    return workspace.spark.createDataFrame([(key,) for key in ids], f"{name} STRING")


def parallelism(workspace: Workspace) -> int:
    """How many tasks run at a time: the cluster's cores, by Spark's default split of a range."""
    from pyspark.sql import functions as F

    return workspace.spark.range(10_000).select(F.spark_partition_id()).distinct().count()


@contextmanager
def _explained(table: Table) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if found := _KILLED.search(str(error)):
            raise UserError(
                f"{table.name}: a Spark worker was killed, usually for lack of memory ({found[0]}); earlier slices are "
                "saved: run it again on workers with more memory"
            ) from error
        if CONFLICT.search(str(error)):
            raise UserError(
                f"{table.name}: another run changed it at the same time; earlier slices are saved: run this again when "
                "the other run has finished"
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
