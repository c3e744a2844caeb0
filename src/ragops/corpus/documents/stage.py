"""Landing files -> `documents`: changed files are parsed, missing ones deleted, unparsable ones quarantined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ragops.corpus.documents.landing import LandingFile, list_files
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.reading import FILES, Reader, Row, as_row
from ragops.corpus.documents.stored import Stored, note_same_content, same_content, version
from ragops.corpus.documents.table import DOCUMENTS
from ragops.errors import UserError
from ragops.platform.compute import available_memory
from ragops.platform.merge import StageReport, difference, ids_frame, merge
from ragops.platform.processes import process_count
from ragops.platform.slices import CHARACTERS_A_SLICE, DOCUMENTS_A_SLICE, every, map_in_workers, portions, runs_here
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["DOCUMENTS", "refresh_documents"]

SECONDS_A_SLICE = 600
"""Slow files, such as scans, make short slices, so that each slice ends before any time limit."""
BYTES_A_SLICE = 256 << 20
"""Size of a slice that Spark's workers read, whose duration is not known in advance."""
_UNREAD = ()


def refresh_documents(
    workspace: Workspace,
    landing: Path,
    limits: ParseLimits,
    max_delete_fraction: float = 1.0,
    most: int = DOCUMENTS_A_SLICE,
    compare_content_days: float = 7.0,
) -> StageReport:
    """Synchronizes `documents` with the landing folder, at most `most` files per MERGE.

    A file whose size or times changed is parsed if its bytes changed, too; the bytes of every file are compared once in
    `compare_content_days`. A file that changes or disappears while it is read keeps its row, and the next run reads it.

    Raises:
        UserError: the folder is missing, or more than `max_delete_fraction` of the documents would be deleted.
    """
    report = StageReport("documents")
    with report.timed():
        DOCUMENTS.create(workspace)
        _create_quarantine(workspace)
        reader = Reader(landing, limits, available_memory())
        listed = _listed(landing)
        stored = Stored.read(workspace, listed, reader, compare_content_days)
        wanted = {key: version(file) for key, file in listed.items()}
        found = difference(wanted, stored.versions.items())
        report.read = len(listed)
        vanished = set(found.stale) - listed.keys()
        _refuse_mass_deletion(len(vanished), len(stored.versions), landing, max_delete_fraction)
        changed = _with_other_content(workspace, landing, listed, stored, found.changed, report)
        if changed or vanished:
            gone = ids_frame(workspace, "doc_id", vanished) if vanished else None
            tried = [replace(listed[key], earlier_tries=stored.tries.get(key, 0)) for key in changed]
            for number, (read, rows) in enumerate(_slices(workspace, tried, reader, most), 1):
                # Deletions come first, so that an interrupted run leaves no deleted document searchable.
                report.count(merge(workspace, DOCUMENTS, rows, replacing=gone if number == 1 else None))
                report.progress(number, read, len(changed), "files read")
            stored = Stored.read(workspace, listed, reader, compare_content_days)
        report.failed = stored.failed
        unread = [listed[key].path for key in changed if stored.versions.get(key, _UNREAD) not in (wanted[key], None)]
        report.note = _note(report.failed, stored.waiting, sorted(unread))
    return report


def _with_other_content(
    workspace: Workspace,
    landing: Path,
    listed: Mapping[str, LandingFile],
    stored: Stored,
    changed: Sequence[str],
    report: StageReport,
) -> list[str]:
    """Of the changed files, and of those due for a comparison, the ones to parse; the others' times are stored."""
    due = [key for key in listed if key in stored.due and key not in set(changed)]
    compared = [listed[key] for key in stored.comparable([*changed, *due])]
    same = same_content(workspace, landing, compared)
    if same:
        note_same_content(workspace, same)
    unchanged = {file.doc_id for file in same}
    report.changed += len(unchanged.intersection(changed))
    return [key for key in [*changed, *due] if key not in unchanged]


def _create_quarantine(workspace: Workspace) -> None:
    view = workspace.table("quarantine")
    if not workspace.spark.catalog.tableExists(view):
        workspace.execute(
            f"CREATE VIEW IF NOT EXISTS {view} COMMENT 'Files that could not be parsed.' AS "
            "SELECT doc_id, path, reason, exception_type, parser, parser_version, size_bytes, file_hash, ingested_at "
            f"FROM {workspace.table('documents')} WHERE reason IS NOT NULL",
            "CREATE TABLE",
            f"schema {workspace.catalog}.{workspace.schema}",
        )


def _listed(landing: Path) -> dict[str, LandingFile]:
    listed = {file.doc_id: file for file in list_files(landing)}
    if not landing.is_dir():  # missing or unmounted while listing, so the list cannot be trusted
        raise UserError(f"landing: no folder {landing}, nothing was changed; mount it, or set landing=/path/to/folder")
    return listed


def _refuse_mass_deletion(vanished: int, total: int, landing: Path, allowed: float) -> None:
    if total and vanished / total > allowed:
        raise UserError(
            f"landing: {vanished} of {total} documents are missing from {landing} (max_delete_fraction in "
            f"usecase.yml allows {allowed:.0%}), nothing was changed; if this is intended, run it with "
            "--params allow_deletes=true"
        )


def _slices(
    workspace: Workspace, arrived: list[LandingFile], reader: Reader, most: int
) -> Iterator[tuple[int, DataFrame]]:
    """Yields the number of files read so far with the rows of each slice; at least one slice."""
    read = 0
    if runs_here(len(arrived)):
        made = reader.read(arrived, max(1, min(process_count(reader.limits.memory_bytes), len(arrived))))
        slices = portions(made, most, _characters, CHARACTERS_A_SLICE, every(SECONDS_A_SLICE))
        for rows in slices if arrived else [[]]:
            read += len(rows)
            frame = pd.DataFrame([row for row in rows if row], columns=DOCUMENTS.names)
            yield read, workspace.spark.createDataFrame(frame if len(frame) else [], DOCUMENTS.schema)
        return
    for files in portions(arrived, most, lambda file: file.size_bytes, BYTES_A_SLICE):
        read += len(files)
        listed = workspace.spark.createDataFrame([as_row(file) for file in files], FILES)
        yield read, map_in_workers(listed, len(files), reader.parse_batches, DOCUMENTS)


def _characters(row: Row | None) -> int:
    return len(str(row["markdown"])) if row else 0


def _note(failed: int, waiting: int, unread: list[str]) -> str:
    again = f" ({waiting} of them are tried again by the next run)" if waiting else ""
    notes = [f"{failed} in quarantine: see ragops documents{again}"] if failed else []
    if unread:
        files, they = ("1 file", "it was") if len(unread) == 1 else (f"{len(unread):,} files", "they were")
        notes.append(
            f"{files} changed or disappeared while {they} read, or could not be reached ({unread[0]}"
            f"{', ...' if unread[1:] else ''}): the next run reads {'them' if unread[1:] else 'it'}"
        )
    return "\n".join(notes)
