"""What a refresh measured: how long it took, and how long changes of files waited until searches found them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from ragops.corpus.documents.table import DOCUMENTS
from ragops.corpus.index.generations.pointer import Pointer
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.quality.criteria.rows import METRICS, Metric, Origin

_MINUTE = timedelta(minutes=1)


class _Waits(NamedTuple):
    documents: int  # in the table
    changed: int  # of these, whose change this refresh published
    slowest: float | None  # minutes; None if none changed


def refresh_metrics(workspace: Workspace, started: datetime | None) -> list[Metric]:
    """What was measured of the live generation, which the refresh that began at `started` has published.

    A file waits from its last change on, as the storage tells it: on a laptop its ctime, which copying does not
    preserve, on a volume the time of its upload. Files that were there before the first refresh wait from the start of
    that. A file that was only read again, by a new parser or after a limit was raised, did not change.

    Args:
        workspace: with the tables and the index.
        started: when the refresh began; None if that is not known, for a notebook that was run alone.

    Returns:
        Rows with the time of the publication; empty if it is measured already, if there is no index, or if a rollback
        made the generation live.
    """
    index = PublishedIndex(index_root(workspace))
    pointer = index.find_pointer()
    if pointer is None or (pointer.previous or "") > pointer.generation or _is_measured(workspace, pointer):
        return []
    published = pointer.published_at
    origin = Origin("refresh", generation=pointer.generation, measured_at=published)
    waits = _waits(workspace, pointer, _built_before(index, pointer), started)
    rows = []
    if started is not None and started < published:
        rows.append(origin.metric("refresh_minutes", (published - started) / _MINUTE, waits.documents))
    if waits.slowest is not None:
        rows.append(origin.metric("freshness_minutes", waits.slowest, waits.changed))
    return rows


def _is_measured(workspace: Workspace, pointer: Pointer) -> bool:
    """Most runs publish nothing: one small query then, instead of one over all documents."""
    from pyspark.sql import functions as F

    if not workspace.spark.catalog.tableExists(workspace.table(METRICS.name)):
        return False
    own = (F.col("source") == "refresh") & (F.col("measured_at") == F.lit(pointer.published_at))
    return bool(METRICS.read(workspace).where(own).take(1))


def _built_before(index: PublishedIndex, pointer: Pointer) -> datetime | None:
    """When the generation before this one was built; None for the first one."""
    if pointer.previous:
        with suppress(UserError):  # somebody removed it
            return index.manifest(pointer.previous).built_at
    return None


def _waits(workspace: Workspace, pointer: Pointer, before: datetime | None, started: datetime | None) -> _Waits:
    from pyspark.sql import functions as F

    changed = F.coalesce(F.timestamp_micros("changed_us"), "modified_at")
    counts = F.col("reason").isNull() & (F.col("ingested_at") <= F.lit(pointer.published_at))
    if before is not None:
        since = _last_start(workspace, pointer.published_at) or before
        counts &= (F.col("ingested_at") > F.lit(before)) & (changed > F.lit(since))
    elif started is not None:
        changed = F.greatest(changed, F.lit(started))
    else:
        counts &= F.lit(False)
    seconds = F.unix_micros(F.lit(pointer.published_at)) / 1e6 - F.unix_micros(changed) / 1e6
    waited = F.when(counts, seconds / 60)
    row = DOCUMENTS.read(workspace).select(F.count("*"), F.count(waited), F.max(waited)).collect()[0]
    return _Waits(*row)


def _last_start(workspace: Workspace, until: datetime) -> datetime | None:
    """When the last refresh before this time began that published something; None if that was not measured."""
    from pyspark.sql import functions as F

    if not workspace.spark.catalog.tableExists(workspace.table(METRICS.name)):
        return None
    rows = METRICS.read(workspace).where((F.col("name") == "refresh_minutes") & (F.col("measured_at") < F.lit(until)))
    found = rows.select("measured_at", "value").orderBy(F.desc("measured_at")).take(1)
    return found[0]["measured_at"].astimezone() - found[0]["value"] * _MINUTE if found else None
