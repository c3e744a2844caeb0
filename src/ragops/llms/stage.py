"""Spool files -> `llm_calls`, and the rotation of the keys that seal its payloads."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from ragops.llms.encryption import KeyRing, Sealed
from ragops.llms.ledger import CALLS, CallRow
from ragops.tables import StageReport, merge
from ragops.workspace import LEDGER, Workspace

UNREADABLE = "unreadable"
# Files in one MERGE: bounds the driver's memory when a spool has grown for weeks.
_FILES_AT_ONCE = 2_000


def merge_ledger(workspace: Workspace) -> StageReport:
    """Takes the spool's files into the table and removes them.

    A call is known by its id: a run that was killed between the two steps adds nothing twice. A file with a line that
    is no row goes to the folder `unreadable`, its other rows are taken.
    """
    report = StageReport("ledger")
    with report.timed():
        CALLS.create(workspace)
        spool = workspace.volume(LEDGER)
        files = sorted(spool.glob("*.jsonl"))
        for start in range(0, len(files), _FILES_AT_ONCE):
            _merge_files(workspace, files[start : start + _FILES_AT_ONCE], report)
        report.note = f"{report.failed} files in {spool / UNREADABLE}" if report.failed else ""
    return report


def _merge_files(workspace: Workspace, files: list[Path], report: StageReport) -> None:
    rows: dict[str, CallRow] = {}
    broken: list[Path] = []
    for file in files:
        found, whole = _rows(file)
        rows |= {row.call_id: row for row in found}
        if not whole:
            broken.append(file)
    if rows:
        values = [tuple(row.model_dump()[name] for name in CALLS.names) for row in rows.values()]
        done = merge(workspace, CALLS, workspace.spark.createDataFrame(values, CALLS.schema))
        report.added += done.inserted
    report.read += len(rows)
    report.failed += len(broken)
    for file in files:
        if file in broken:
            (file.parent / UNREADABLE).mkdir(exist_ok=True)
            file.replace(file.parent / UNREADABLE / file.name)
        else:
            file.unlink()


def _rows(file: Path) -> tuple[list[CallRow], bool]:
    """The rows of a file, and whether each of its lines was one."""
    rows, whole = [], True
    for line in file.read_bytes().splitlines():
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
