"""What `documents` holds of each file: which version of it was read, and whether reading it again is worth it."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ragops.corpus.documents.landing import LandingFile, content_hash, look_at
from ragops.corpus.documents.parsing import PARSER_VERSION
from ragops.corpus.documents.reading import Reader
from ragops.corpus.documents.table import DOCUMENTS
from ragops.corpus.documents.types import MEMORY_HERE
from ragops.platform.merge import ids_frame, merge
from ragops.platform.workspace import Workspace

MOST_TRIES = 3
"""Runs that read a file whose parser ran out of time or memory, or died; then only a change or a higher limit helps."""
_BY_CHANCE = frozenset({"timeout_s", "memory_bytes", MEMORY_HERE})  # limits that a busy machine reaches earlier
_READERS = 16  # hashing waits for the storage, mostly
_COLUMNS = (
    "doc_id", "size_bytes", "unix_micros(modified_at)", "changed_us", "parser_version", "limit_met", "limit_value",
    "reason IS NOT NULL", "exception_type", "tries", "unix_micros(coalesce(checked_at, ingested_at))",
)  # fmt: skip


def version(file: LandingFile) -> Hashable:
    """What must be equal for a file not to be looked at again."""
    return file.size_bytes, file.modified_us, file.changed_us, PARSER_VERSION


@dataclass(frozen=True)
class Stored:
    """Content of `documents`.

    Attributes:
        versions: by document: what was read; None if it is worth another try.
        tries: by document: how often it was read in vain, for those whose parser failed by chance.
        failed: number of quarantined files.
        outdated: documents that another version of the parsers read.
        due: documents whose content was last compared with the file's before the given time.
    """

    versions: Mapping[str, Hashable]
    tries: Mapping[str, int]
    failed: int
    outdated: frozenset[str]
    due: frozenset[str]

    @classmethod
    def read(cls, workspace: Workspace, listed: Mapping[str, LandingFile], reader: Reader, days: float) -> Stored:
        """Reads the table; `days` is the time after which a comparison of contents is due."""
        oldest = (datetime.now(UTC) - timedelta(days=days)).timestamp() * 1e6
        versions: dict[str, Hashable] = {}
        tries: dict[str, int] = {}
        outdated, due, failed = set(), set(), 0
        for row in DOCUMENTS.read(workspace).selectExpr(*_COLUMNS).collect():
            key, size, modified_us, changed_us, parser_version, limit, value, in_quarantine, cause, tried, compared = (
                row
            )
            if changed_us is None and key in listed:  # earlier versions of the table did not store it
                changed_us = listed[key].changed_us
            failed += in_quarantine
            again = _is_lifted(limit, value, reader)
            if in_quarantine and (limit in _BY_CHANCE or cause == "ProcessExpired"):
                tries[key] = tried or 1
                again = again or tries[key] < MOST_TRIES
            versions[key] = None if again else (size, modified_us, changed_us, parser_version)
            if parser_version != PARSER_VERSION:
                outdated.add(key)
            elif compared < oldest:
                due.add(key)
        return cls(versions, tries, failed, frozenset(outdated), frozenset(due))

    @property
    def waiting(self) -> int:
        """Number of quarantined files that the next run tries again."""
        return sum(self.versions[key] is None for key in self.tries)

    def comparable(self, ids: Iterable[str]) -> list[str]:
        """Those of the documents that need not be parsed if the file still has the same bytes."""
        return [key for key in ids if self.versions.get(key) is not None and key not in self.outdated]


def _is_lifted(limit: str | None, value: float | None, reader: Reader) -> bool:
    """Whether the limit that refused a document has been raised, so that it is worth another try."""
    if limit is None or value is None:
        return False
    if limit == MEMORY_HERE:
        return reader.machine_bytes != value
    return bool(getattr(reader.limits, limit, value) > value)


def same_content(workspace: Workspace, landing: Path, files: Sequence[LandingFile]) -> list[LandingFile]:
    """The files whose bytes are those that were read, by their hash."""
    if not files:
        return []
    wanted = ids_frame(workspace, "doc_id", (file.doc_id for file in files))
    rows = DOCUMENTS.read(workspace).join(wanted, "doc_id").select("doc_id", "file_hash").collect()
    hashes = {key: digest for key, digest in rows if digest}
    known = [file for file in files if file.doc_id in hashes]
    with ThreadPoolExecutor(min(_READERS, 4 * (os.cpu_count() or 1))) as threads:
        same = threads.map(lambda file: _has_hash(landing, file, hashes[file.doc_id]), known)
        return [file for file, is_same in zip(known, same, strict=True) if is_same]


def _has_hash(landing: Path, file: LandingFile, digest: str) -> bool:
    try:
        return content_hash(landing / file.path) == digest and look_at(landing, file.path) == file
    except OSError:  # the parser's process says what is wrong with it
        return False


def note_same_content(workspace: Workspace, files: Sequence[LandingFile]) -> None:
    """Stores the times of files whose content is as it was read, and when that was found."""
    from pyspark.sql import functions as F

    looks = [(file.doc_id, file.modified_us, file.changed_us) for file in files]
    seen = workspace.spark.createDataFrame(looks, "doc_id STRING, modified_us BIGINT, now_changed_us BIGINT")
    rows = (
        DOCUMENTS.read(workspace)
        .join(seen, "doc_id")
        .withColumn("modified_at", F.timestamp_micros("modified_us"))
        .withColumn("changed_us", F.col("now_changed_us"))
        .withColumn("checked_at", F.current_timestamp())
    )
    merge(workspace, DOCUMENTS, rows)
