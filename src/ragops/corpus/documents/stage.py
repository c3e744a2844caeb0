"""Landing files -> `documents`: changed files are parsed, missing ones deleted, unparsable ones quarantined."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ragops.corpus.documents.landing import LandingFile, list_files
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsing import PARSER_VERSION
from ragops.corpus.documents.reading import FILES, Reader, Row, as_row
from ragops.corpus.documents.table import DOCUMENTS
from ragops.corpus.documents.types import MEMORY_HERE
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


def refresh_documents(
    workspace: Workspace,
    landing: Path,
    limits: ParseLimits,
    max_delete_fraction: float = 1.0,
    most: int = DOCUMENTS_A_SLICE,
) -> StageReport:
    """Synchronizes `documents` with the landing folder, at most `most` files per MERGE.

    A file that changes or disappears while it is read keeps its row and is read by the next run.

    Raises:
        UserError: the folder is missing, or more than `max_delete_fraction` of the documents would be deleted.
    """
    report = StageReport("documents")
    with report.timed():
        DOCUMENTS.create(workspace)
        _create_quarantine(workspace)
        reader = Reader(landing, limits, available_memory())
        listed = _listed(landing)
        stored = _Stored.read(workspace, listed, reader)
        wanted = {key: _version(file) for key, file in listed.items()}
        found = difference(wanted, stored.versions.items())
        report.read = len(listed)
        if not found.none:
            vanished = set(found.stale) - listed.keys()
            _refuse_mass_deletion(len(vanished), len(stored.versions), landing, max_delete_fraction)
            gone = ids_frame(workspace, "doc_id", vanished) if vanished else None
            slices = _slices(workspace, [listed[key] for key in found.changed], reader, most)
            for number, (read, rows) in enumerate(slices, 1):
                # Deletions come first, so that an interrupted run leaves no deleted document searchable.
                report.count(merge(workspace, DOCUMENTS, rows, replacing=gone if number == 1 else None))
                report.progress(number, read, len(found.changed), "files read")
            stored = _Stored.read(workspace, listed, reader)
        report.failed = stored.failed
        unread = [listed[key].path for key in found.changed if stored.versions.get(key) != wanted[key]]
        report.note = _note(report.failed, sorted(unread))
    return report


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


def _version(file: LandingFile) -> Hashable:
    return file.size_bytes, file.modified_us, file.changed_us, PARSER_VERSION


@dataclass(frozen=True)
class _Stored:
    """Content of `documents`: the version read of each id, and the number of quarantined files."""

    versions: Mapping[str, Hashable]
    failed: int

    @classmethod
    def read(cls, workspace: Workspace, listed: Mapping[str, LandingFile], reader: Reader) -> _Stored:
        columns = ("doc_id", "size_bytes", "unix_micros(modified_at)", "changed_us", "parser_version")
        rows = (
            DOCUMENTS.read(workspace).selectExpr(*columns, "limit_met", "limit_value", "reason IS NOT NULL").collect()
        )
        versions: dict[str, Hashable] = {}
        for key, size, modified_us, changed_us, parser_version, limit, value, _ in rows:
            if changed_us is None and key in listed:  # earlier versions of the table did not store it
                changed_us = listed[key].changed_us
            lifted = _is_lifted(limit, value, reader)
            versions[key] = None if lifted else (size, modified_us, changed_us, parser_version)
        return cls(versions, sum(failed for *_, failed in rows))


def _is_lifted(limit: str | None, value: float | None, reader: Reader) -> bool:
    """Whether the limit that refused a document has been raised, so that it is worth another try."""
    if limit is None or value is None:
        return False
    if limit == MEMORY_HERE:
        return reader.machine_bytes != value
    return bool(getattr(reader.limits, limit, value) > value)


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


def _note(failed: int, unread: list[str]) -> str:
    notes = [f"{failed} in quarantine: see ragops documents"] if failed else []
    if unread:
        files, they = ("1 file", "it was") if len(unread) == 1 else (f"{len(unread):,} files", "they were")
        notes.append(
            f"{files} changed or disappeared while {they} read, or could not be reached ({unread[0]}"
            f"{', ...' if unread[1:] else ''}): the next run reads {'them' if unread[1:] else 'it'}"
        )
    return "\n".join(notes)
