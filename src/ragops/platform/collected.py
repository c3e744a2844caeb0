"""Files of rows on the ledger volume, read in portions for a MERGE and removed once it has succeeded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from ragops.platform.merge import StageReport, ids_frame, merge
from ragops.platform.slices import portions
from ragops.platform.tables import Table
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import LEDGER, Workspace

UNREADABLE = "unreadable"
# A MERGE's rows come from this process: Spark's client takes messages of at most 128 MB.
_FILES_PER_MERGE, _BYTES_PER_MERGE = 2_000, 16_000_000

Kind = TypeVar("Kind", bound=BaseModel)


class _File(NamedTuple):
    name: str
    content: bytes


def collected(
    workspace: Workspace, folder: str, kind: type[Kind], key: str, report: StageReport
) -> Iterator[dict[str, Kind]]:
    """The rows of files by id, in portions; a portion's files are removed when the next one is asked for.

    Args:
        workspace: whose ledger volume is read.
        folder: of the volume, a file for each row, named after its id.
        kind: the rows' type.
        key: the field that is the id.
        report: gets the number of rows, and of files that were set aside or are unfinished.
    """
    volume = workspace.volume(LEDGER)
    files = volume_files(volume)
    unfinished = 0
    for portion in portions(
        _written(files, volume / folder), _FILES_PER_MERGE, lambda file: len(file.content), _BYTES_PER_MERGE
    ):
        rows: dict[str, Kind] = {}
        for name, content in portion:
            row = parsed(kind, content)
            row_id = str(getattr(row, key)) if row is not None else ""
            if row is not None and f"{row_id}.json" == name:
                rows[row_id] = row
            elif _is_whole(content):
                set_aside(files, volume, folder, name, content, report)
            else:
                unfinished += 1
        report.read += len(rows)
        yield rows
        for row_id in rows:
            files.remove(volume / folder / f"{row_id}.json")
    notes = []
    if report.failed:
        notes.append(f"{report.failed} files moved to {volume / UNREADABLE / folder}")
    if unfinished:
        notes.append(f"{unfinished} files unfinished: their senders got no confirmation")
    report.note = "; ".join(notes)


def add_new(
    workspace: Workspace,
    table: Table,
    folder: str,
    rows: Mapping[str, Kind],
    same: Callable[[Kind, Kind], bool],
    complete: Callable[[Kind], BaseModel],
    report: StageReport,
) -> None:
    """Adds rows whose ids the table does not have; of two rows with one id the first counts.

    Args:
        workspace: where the table is.
        table: has each field of the rows, and more.
        folder: of the ledger volume, where the rows' files are.
        rows: by id.
        same: whether two rows say the same; one that says something else than the table is set aside.
        complete: makes a row of the table.
        report: counts them.
    """
    known = _known(workspace, table, rows)
    add(workspace, table, [complete(row) for key, row in rows.items() if key not in known], report)
    volume = workspace.volume(LEDGER)
    for key, row in rows.items():
        if key in known and not same(known[key], row):
            set_aside(volume_files(volume), volume, folder, f"{key}.json", row.model_dump_json().encode(), report)


def add(workspace: Workspace, table: Table, rows: Sequence[BaseModel], report: StageReport) -> None:
    """Merges rows into their table."""
    if rows:
        dumped = (row.model_dump() for row in rows)
        values = [tuple(_for_spark(row[name]) for name in table.names) for row in dumped]
        report.count(merge(workspace, table, workspace.spark.createDataFrame(values, table.schema)))


def _for_spark(value: object) -> object:
    """Spark takes lists for arrays, and no tuples."""
    return list(value) if isinstance(value, tuple) else value


def _known(workspace: Workspace, table: Table, rows: Mapping[str, Kind]) -> dict[str, Kind]:
    """Those of the rows that an earlier run has merged, as the table has them."""
    if not rows:
        return {}
    kind = type(next(iter(rows.values())))
    wanted = ids_frame(workspace, table.key, list(rows))
    found = table.read(workspace).join(wanted, table.key, "left_semi").select(*kind.model_fields).collect()
    return {row[table.key]: kind.model_construct(**row.asDict()) for row in found}


def _written(files: VolumeFiles, folder: Path) -> Iterator[_File]:
    with suppress(PathNotFound):  # nothing was saved yet
        for entry in files.list(folder):
            if entry.is_folder or not entry.name.endswith(".json"):
                continue
            with suppress(PathNotFound):  # another run has merged it
                yield _File(entry.name, files.read(folder / entry.name))


def parsed(kind: type[Kind], content: bytes) -> Kind | None:
    """The row in a file; None if the file is incomplete or not of this kind."""
    try:
        return kind.model_validate_json(content)
    except ValidationError:
        return None


def _is_whole(content: bytes) -> bool:
    """Whether a file is JSON: its beginning never is."""
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


def set_aside(files: VolumeFiles, volume: Path, folder: str, name: str, content: bytes, report: StageReport) -> None:
    """Moves a file that contains no row of this folder to the folder `unreadable`, and counts it."""
    files.write(volume / UNREADABLE / folder / name, content)
    files.remove(volume / folder / name)
    report.failed += 1
