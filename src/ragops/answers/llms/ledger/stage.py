"""Spool files -> `llm_calls`, and the rotation of the keys that seal its payloads."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from ragops.answers.llms.ledger.encryption import KeyRing, Sealed
from ragops.answers.llms.ledger.ledger import CALLS, CallRow
from ragops.platform.merge import StageReport, merge
from ragops.platform.volumes.errors import NotThere
from ragops.platform.volumes.interface import FileInfo
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import LEDGER, Workspace

UNREADABLE = "unreadable"
# A file without an end that is younger may still be being written, where files do not appear as a whole.
_WRITING = timedelta(minutes=10)
# Files in one MERGE: bounds the driver's memory when a spool has grown for weeks.
_FILES_AT_ONCE = 2_000


def merge_ledger(workspace: Workspace) -> StageReport:
    """Takes the spool's files into the table and removes them.

    A call is known by its id: a run that was killed between the two steps adds nothing twice. A file with a line that
    is no row goes to the folder `unreadable`, its other rows are taken. One that is being written is left for the next
    run.

    Raises:
        UserError: the volume cannot be read or written.
    """
    report = StageReport("ledger")
    with report.timed():
        CALLS.create(workspace)
        spool = workspace.volume(LEDGER)
        entries = _written(spool)
        for start in range(0, len(entries), _FILES_AT_ONCE):
            _merge_files(workspace, spool, entries[start : start + _FILES_AT_ONCE], report)
        report.note = f"{report.failed} files in {spool / UNREADABLE}" if report.failed else ""
    return report


def _written(spool: Path) -> list[FileInfo]:
    with suppress(NotThere):  # nobody has asked a model yet
        return [entry for entry in volume_files(spool).list(spool) if entry.name.endswith(".jsonl")]
    return []


def _merge_files(workspace: Workspace, spool: Path, entries: Sequence[FileInfo], report: StageReport) -> None:
    files = volume_files(spool)
    rows: dict[str, CallRow] = {}
    taken: dict[str, bytes] = {}
    broken: dict[str, bytes] = {}
    for entry in entries:
        try:
            content = files.read(spool / entry.name)
        except NotThere:  # another run has taken it
            continue
        if not content.endswith(b"\n") and datetime.now(UTC) - entry.modified < _WRITING:
            continue
        found, whole = _rows(content)
        rows |= {row.call_id: row for row in found}
        (taken if whole else broken)[entry.name] = content
    if rows:
        values = [tuple(row.model_dump()[name] for name in CALLS.names) for row in rows.values()]
        done = merge(workspace, CALLS, workspace.spark.createDataFrame(values, CALLS.schema))
        report.added += done.inserted
    report.read += len(rows)
    report.failed += len(broken)
    for name, content in broken.items():
        files.write(spool / UNREADABLE / name, content)
    for name in (*taken, *broken):
        files.remove(spool / name)


def _rows(content: bytes) -> tuple[list[CallRow], bool]:
    """The rows of a file, and whether it had any and each of its lines was one."""
    rows, whole = [], bool(content)
    for line in content.splitlines():
        try:
            rows.append(CallRow.model_validate_json(line))
        except ValidationError:
            whole = False
    return rows, whole


def rotate_payloads(workspace: Workspace, keys: KeyRing) -> StageReport:
    """Seals anew, with the newest key, every payload that has an older one; after it that key may go.

    Raises:
        UserError: (from a worker) a payload cannot be opened.
    """
    report = StageReport("payload keys")
    with report.timed():
        CALLS.create(workspace)
        old = CALLS.read(workspace).where("key_id IS NOT NULL").where(f"key_id <> '{keys.newest}'")
        report.read = old.count()
        if report.read:
            report.count(merge(workspace, CALLS, old.mapInPandas(resealed(keys), CALLS.schema)))
    return report


def resealed(keys: KeyRing) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function that Spark runs over batches of rows."""

    def reseal(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            columns = zip(batch["call_id"], batch["key_id"], batch["payload"], strict=True)
            fresh = [keys.reseal(Sealed(key, base64.b64decode(data)), call_id) for call_id, key, data in columns]
            data = [base64.b64encode(sealed.data).decode("ascii") for sealed in fresh]
            yield batch.assign(key_id=[sealed.key_id for sealed in fresh], payload=data)

    return reseal
