"""The table of documents, compared with the files that it is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.corpus.documents.landing import LandingFile, list_files
from ragops.corpus.documents.table import DOCUMENTS
from ragops.errors import UserError
from ragops.monitoring.system.rows import CLOCK_TOLERANCE, moment, with_all_columns
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import Row

_SHOWN = 5  # paths of one reason


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file of the landing folder whose content is not in the table, or not in the index, yet.

    Attributes:
        path: relative to the landing folder.
        changed_at: since when it waits.
        ingested: whether the table has it, so that only the index lacks it.
    """

    path: str
    changed_at: datetime
    ingested: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Documents in quarantine for one reason.

    Attributes:
        reason: its first words, which are the same for all of them.
        documents: how many.
        recent: how many of these came in the recent window.
        since: when the first of them came.
        paths: some of them.
    """

    reason: str
    documents: int
    recent: int
    since: datetime
    paths: tuple[str, ...]


@dataclass(frozen=True)
class DocumentsState:
    """What is known of the documents.

    Attributes:
        documents: rows of the table that have a text.
        refused: rows without one, by reason; the most frequent first.
        waiting: files that changed and are not in the table yet, the longest waiting first.
        vanished: paths of documents whose file is gone, and which the next refresh deletes.
        ahead: files that were changed in the future, by their clock.
        newest: the last change of a document that has a text; None without documents.
        characters: of all texts.
        folders: documents with a text by folder, "" for the landing folder itself.
        landing: the folder that was listed.
    """

    documents: int
    refused: tuple[Refused, ...]
    waiting: tuple[WaitingFile, ...]
    vanished: tuple[str, ...]
    ahead: tuple[WaitingFile, ...]
    newest: datetime | None
    characters: int
    folders: Mapping[str, int]
    landing: str

    @property
    def quarantined(self) -> int:
        """Rows without a text."""
        return sum(one.documents for one in self.refused)


def read_documents(workspace: Workspace, landing: Path, now: datetime, recent_since: datetime) -> DocumentsState:
    """The documents as they are now.

    Args:
        workspace: with the table, which need not exist.
        landing: the folder of files.
        now: the time of the run; later files are listed separately.
        recent_since: where the recent window begins.

    Raises:
        UserError: the folder is missing or cannot be listed, or the table may not be read.
    """
    files = {one.doc_id: one for one in list_files(landing)}
    if not landing.is_dir():
        raise UserError(f"landing: no folder {landing}; mount it, or set landing=/path/to/folder")
    rows = {row["doc_id"]: row for row in _rows(workspace)}
    known = {key: one for key, one in files.items() if one.size_bytes >= 0}
    changed = [_waiting(one) for key, one in known.items() if not _is_stored(one, rows.get(key))]
    readable = [row for row in rows.values() if row["why"] is None]
    return DocumentsState(
        documents=len(readable),
        refused=_refused((row for row in rows.values() if row["why"] is not None), recent_since),
        waiting=tuple(sorted((one for one in changed if one.changed_at <= now), key=lambda one: one.changed_at)),
        vanished=tuple(sorted(rows[key]["path"] for key in rows.keys() - files.keys())),
        ahead=tuple(_waiting(one) for one in known.values() if _changed_at(one) > now + CLOCK_TOLERANCE),
        newest=max((moment(row["changed"]) for row in readable), default=None),
        characters=sum(row["characters"] or 0 for row in readable),
        folders=_folders(row["path"] for row in readable),
        landing=str(landing),
    )


def folder_of(path: str) -> str:
    """The folder of a document's path; "" for the landing folder itself."""
    return path.rpartition("/")[0]


def _rows(workspace: Workspace) -> list[Row]:
    if not workspace.spark.catalog.tableExists(workspace.table(DOCUMENTS.name)):
        return []
    return (
        with_all_columns(DOCUMENTS.read(workspace), DOCUMENTS)
        .selectExpr(
            "doc_id",
            "path",
            "size_bytes",
            "unix_micros(modified_at) AS modified",
            "changed_us",
            "coalesce(changed_us, unix_micros(modified_at)) AS changed",
            "substring_index(reason, ':', 1) AS why",
            "unix_micros(ingested_at) AS ingested",
            "length(markdown) AS characters",
        )
        .collect()
    )


def _is_stored(file: LandingFile, row: Row | None) -> bool:
    """Whether the table has this version of the file; rows of earlier versions of the table have no `changed_us`."""
    if row is None:
        return False
    same_status = row["changed_us"] is None or row["changed_us"] == file.changed_us
    return (row["size_bytes"], row["modified"]) == (file.size_bytes, file.modified_us) and same_status


def _waiting(file: LandingFile) -> WaitingFile:
    return WaitingFile(file.path, _changed_at(file))


def _changed_at(file: LandingFile) -> datetime:
    return file.modified_at if file.changed_us is None else moment(file.changed_us)


def _refused(rows: Iterable[Row], recent_since: datetime) -> tuple[Refused, ...]:
    by_reason: dict[str, list[Row]] = {}
    for row in rows:
        by_reason.setdefault(row["why"], []).append(row)
    groups = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(_group(reason, sorted(some, key=lambda row: row["ingested"]), recent_since) for reason, some in groups)


def _group(reason: str, rows: list[Row], recent_since: datetime) -> Refused:
    recent = sum(moment(row["ingested"]) >= recent_since for row in rows)
    newest = tuple(row["path"] for row in reversed(rows[-_SHOWN:]))
    return Refused(reason, len(rows), recent, moment(rows[0]["ingested"]), newest)


def _folders(paths: Iterable[str]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for path in paths:
        counts[folder_of(path)] = counts.get(folder_of(path), 0) + 1
    return counts
