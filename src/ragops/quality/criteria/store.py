"""Writes and reads the table `metrics`.

A task with rights on tables adds its rows at once. Commands, and tasks without such rights, write a file for each row
to the ledger volume, which the job collect_calls moves to the table; readers look at both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ragops.platform.collected import add, collected, parsed
from ragops.platform.merge import StageReport, ids_frame
from ragops.platform.tables import objects
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.criteria.rows import METRICS, Metric

METRICS_FOLDER = "metrics"


def record(workspace: Workspace, metrics: Iterable[Metric]) -> None:
    """Writes rows as files, for the job collect_calls; they count at once.

    Raises:
        VolumeError: the ledger volume cannot be written.
    """
    folder = workspace.volume(LEDGER) / METRICS_FOLDER
    files = volume_files(folder)
    for one in metrics:
        files.write(folder / f"{one.metric_id}.json", f"{one.model_dump_json()}\n".encode())


def add_rows(workspace: Workspace, metrics: Sequence[Metric]) -> StageReport:
    """Adds those rows to the table that it does not have yet, for a task with Spark.

    Raises:
        UserError: the table cannot be written.
    """
    report = StageReport("metrics")
    with report.timed():
        METRICS.create(workspace)
        _add(workspace, metrics, report)
    return report


def merge_metrics(workspace: Workspace) -> StageReport:
    """Moves the files of rows to the table; a run that is killed in between adds nothing twice.

    Raises:
        UserError: the volume cannot be read or written, or the table cannot be written.
    """
    report = StageReport("metrics")
    with report.timed():
        METRICS.create(workspace)
        for rows in collected(workspace, METRICS_FOLDER, Metric, METRICS.key, report):
            _add(workspace, list(rows.values()), report)
    return report


def latest(workspace: Workspace) -> dict[str, Metric]:
    """The latest row of each measure, from the table and from files that are not collected yet; needs Spark.

    Raises:
        UserError: the table or the volume cannot be read.
    """
    rows = [*_from_table(workspace), *_from_files(workspace.volume(LEDGER) / METRICS_FOLDER)]
    return {one.name: one for one in sorted(rows, key=lambda one: (one.measured_at, one.metric_id))}


def _add(workspace: Workspace, metrics: Sequence[Metric], report: StageReport) -> None:
    if not metrics:
        return
    asked = ids_frame(workspace, METRICS.key, [one.metric_id for one in metrics])
    found = METRICS.read(workspace).join(asked, METRICS.key, "left_semi").select(METRICS.key).collect()
    known = {row[METRICS.key] for row in found}
    add(workspace, METRICS, [one for one in metrics if one.metric_id not in known], report)


def _from_table(workspace: Workspace) -> list[Metric]:
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    if not workspace.spark.catalog.tableExists(workspace.table(METRICS.name)):
        return []
    newest = Window.partitionBy("name").orderBy(F.desc("measured_at"), F.desc("metric_id"))
    rows = METRICS.read(workspace).withColumn("_age", F.row_number().over(newest)).where("_age = 1")
    return objects(Metric, rows.select(*METRICS.names))


def _from_files(folder: Path) -> list[Metric]:
    files, rows = volume_files(folder), []
    with suppress(PathNotFound):  # nothing was recorded yet
        for entry in files.list(folder):
            with suppress(PathNotFound):  # collected meanwhile
                rows.append(parsed(Metric, files.read(folder / entry.name)))
    return [row for row in rows if row is not None]
