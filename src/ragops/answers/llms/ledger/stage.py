"""Collects spool files into `llm_calls`, and rotates the keys that encrypt its payloads."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from ragops.answers.llms.ledger.calls import CALLS, CallRow
from ragops.answers.llms.ledger.encryption import KeyRing, Sealed
from ragops.platform.merge import StageReport, merge
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.interface import FileInfo
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import LEDGER, Workspace

UNREADABLE = "unreadable"
# A younger file without a final newline may still be in progress: a folder, unlike a volume, shows unfinished files.
_WRITING = timedelta(minutes=10)
# Files per MERGE: bounds the driver's memory when a spool has grown for weeks.
_FILES_PER_MERGE = 2_000


def merge_ledger(workspace: Workspace) -> StageReport:
    """Merges the spool's files into the table and removes them.

    Rows are matched by `call_id`, so a run killed between the two steps adds nothing twice. A file with a line that
    is not a row moves to the folder `unreadable`; its other rows are merged. A file that is still being written stays
    for the next run.

    Raises:
        UserError: the volume cannot be read or written.
    """
    report = StageReport("ledger")
    with report.timed():
        CALLS.create(workspace)
        spool = workspace.volume(LEDGER)
        entries = _written(spool)
        for start in range(0, len(entries), _FILES_PER_MERGE):
            _merge_files(workspace, spool, entries[start : start + _FILES_PER_MERGE], report)
        report.note = f"{report.failed} unreadable files in {spool / UNREADABLE}" if report.failed else ""
    return report


def _written(spool: Path) -> list[FileInfo]:
    with suppress(PathNotFound):  # no model was called yet
        return [entry for entry in volume_files(spool).list(spool) if entry.name.endswith(".jsonl")]
    return []


def _merge_files(workspace: Workspace, spool: Path, entries: Sequence[FileInfo], report: StageReport) -> None:
    files = volume_files(spool)
    rows: dict[str, CallRow] = {}
    merged: dict[str, bytes] = {}
    broken: dict[str, bytes] = {}
    for entry in entries:
        try:
            content = files.read(spool / entry.name)
        except PathNotFound:  # another run has merged it
            continue
        if not content.endswith(b"\n") and datetime.now(UTC) - entry.modified < _WRITING:
            continue
        found, whole = _rows(content)
        rows |= {row.call_id: row for row in found}
        (merged if whole else broken)[entry.name] = content
    if rows:
        values = [tuple(row.model_dump()[name] for name in CALLS.names) for row in rows.values()]
        done = merge(workspace, CALLS, workspace.spark.createDataFrame(values, CALLS.schema))
        report.added += done.inserted
    report.read += len(rows)
    report.failed += len(broken)
    for name, content in broken.items():
        files.write(spool / UNREADABLE / name, content)
    for name in (*merged, *broken):
        files.remove(spool / name)


def _rows(content: bytes) -> tuple[list[CallRow], bool]:
    """Returns the rows of a file, and whether it is whole: not empty, and every line a row."""
    rows, whole = [], bool(content)
    for line in content.splitlines():
        try:
            rows.append(CallRow.model_validate_json(line))
        except ValidationError:
            whole = False
    return rows, whole


def rotate_payloads(workspace: Workspace, keys: KeyRing) -> StageReport:
    """Encrypts every payload that has an older key with the newest one; the older keys can be removed afterwards.

    Raises:
        UserError: (from a worker) a payload cannot be decrypted.
    """
    report = StageReport("payload keys")
    with report.timed():
        CALLS.create(workspace)
        old = CALLS.read(workspace).where("key_id IS NOT NULL").where(f"key_id <> '{keys.newest}'")
        report.read = old.count()
        if report.read:
            report.count(merge(workspace, CALLS, old.mapInPandas(reseal_batches(keys), CALLS.schema)))
    return report


def reseal_batches(keys: KeyRing) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """Returns the function that Spark applies to batches of rows."""

    def reseal(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            columns = zip(batch["call_id"], batch["key_id"], batch["payload"], strict=True)
            fresh = [keys.reseal(Sealed(key, base64.b64decode(data)), call_id) for call_id, key, data in columns]
            data = [base64.b64encode(sealed.data).decode("ascii") for sealed in fresh]
            yield batch.assign(key_id=[sealed.key_id for sealed in fresh], payload=data)

    return reseal
