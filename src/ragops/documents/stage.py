"""Landing files -> `documents`: what changed is parsed, what vanished goes, what cannot be parsed is quarantined."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ragops.documents.landing import LandingFile, content_hash, list_files
from ragops.documents.limits import ParseLimits
from ragops.documents.outcomes import Failure, ParsedDocument
from ragops.documents.parsing import PARSER_VERSION
from ragops.documents.sandbox import ParserPool
from ragops.errors import UserError
from ragops.tables import Column, StageReport, Table, difference, ids_frame, map_rows, merge
from ragops.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

DOCUMENTS = Table(
    name="documents",
    comment="One row for each file in the landing volume, as Markdown, or with the reason why it could not be read.",
    key="doc_id",
    cluster_by="doc_id",
    informative=("ingested_at",),
    columns=(
        Column("doc_id", "STRING", "Hash of the relative path."),
        Column("path", "STRING", "Path relative to the landing folder."),
        Column("title", "STRING", "Title found in the document, or made from its file name."),
        Column("language", "STRING", "Language of the text, ISO 639-1."),
        Column("format", "STRING", "What the content is: md, html, txt, docx, pdf, png, ..."),
        Column("markdown", "STRING", "The whole text as Markdown; null when it could not be parsed."),
        Column("pages", "INT", "Pages, where the format has them."),
        Column("size_bytes", "BIGINT", "Size of the file in bytes."),
        Column("modified_at", "TIMESTAMP", "When the file was last changed."),
        Column("file_hash", "STRING", "SHA-256 of the file's bytes."),
        Column("doc_hash", "STRING", "SHA-256 of title and Markdown: the version that later stages compare."),
        Column("parser", "STRING", "The parser that read it."),
        Column("parser_version", "STRING", "Version of the parsers; another one reads every file again."),
        Column("ocr", "BOOLEAN", "True when text was recognised in pictures."),
        Column("reason", "STRING", "Why it could not be parsed; null when it was."),
        Column("exception_type", "STRING", "The kind of failure behind the reason."),
        Column("ingested_at", "TIMESTAMP", "When this row was written."),
    ),
)
FILES = "doc_id STRING, path STRING, size_bytes BIGINT, modified_at TIMESTAMP, parser_version STRING"


def refresh_documents(
    workspace: Workspace, landing: Path, limits: ParseLimits, max_delete_fraction: float = 1.0
) -> StageReport:
    """Brings `documents` into step with the landing folder.

    Raises:
        UserError: the folder is missing, or a larger fraction of the documents than `max_delete_fraction` would go.
    """
    report = StageReport("documents")
    with report.timed():
        DOCUMENTS.create(workspace)
        _create_quarantine(workspace)
        listed = _listed(landing)
        held, report.failed = _held(workspace)
        found = difference({key: _version(file) for key, file in listed.items()}, held)
        report.read = len(listed)
        if not found.none:
            vanished = set(found.stale) - listed.keys()
            _refuse_mass_deletion(len(vanished), len(held), landing, max_delete_fraction)
            rows = _parsed(workspace, [listed[key] for key in found.changed], landing, limits)
            gone = ids_frame(workspace, "doc_id", vanished) if vanished else None
            report.count(merge(workspace, DOCUMENTS, rows, replacing=gone))
            report.failed = DOCUMENTS.read(workspace).where("reason IS NOT NULL").count()
        report.note = f"{report.failed} in quarantine: see ragops documents" if report.failed else ""
    return report


def _create_quarantine(workspace: Workspace) -> None:
    workspace.spark.sql(
        f"CREATE VIEW IF NOT EXISTS {workspace.table('quarantine')} COMMENT 'Files that could not be parsed.' AS "
        "SELECT doc_id, path, reason, exception_type, parser, parser_version, size_bytes, file_hash, ingested_at "
        f"FROM {workspace.table('documents')} WHERE reason IS NOT NULL"
    )


def _listed(landing: Path) -> dict[str, LandingFile]:
    if not landing.is_dir():
        raise UserError(f"landing: no folder {landing}; nothing was changed. Mount it, or give landing=/path/to/folder")
    return {file.doc_id: file for file in list_files(landing)}


def _version(file: LandingFile) -> Hashable:
    return file.size_bytes, file.modified_us, PARSER_VERSION


def _held(workspace: Workspace) -> tuple[list[tuple[str, Hashable]], int]:
    """Ids and versions, and how many of them are in quarantine."""
    version = ("size_bytes", "unix_micros(modified_at)", "parser_version")
    rows = DOCUMENTS.read(workspace).selectExpr("doc_id", "reason IS NOT NULL AS failed", *version).toPandas()
    held: list[tuple[str, Hashable]] = [(key, tuple(version)) for key, _, *version in rows.itertuples(index=False)]
    return held, int(rows["failed"].sum())


def _refuse_mass_deletion(vanished: int, total: int, landing: Path, allowed: float) -> None:
    if total and vanished / total > allowed:
        raise UserError(
            f"landing: {vanished} of {total} documents are gone from {landing} (at most {allowed:.0%} may go at once, "
            "by max_delete_fraction in usecase.yml); nothing was changed. If it is meant: --params allow_deletes=true"
        )


def _parsed(workspace: Workspace, arrived: list[LandingFile], landing: Path, limits: ParseLimits) -> DataFrame:
    rows = [(file.doc_id, file.path, file.size_bytes, file.modified_at, PARSER_VERSION) for file in arrived]
    files = workspace.spark.createDataFrame(rows, FILES)
    return map_rows(files, len(rows), parse_files(landing, limits), DOCUMENTS)


def parse_files(landing: Path, limits: ParseLimits) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function that Spark runs over batches of files; each worker process keeps one pool of parsers."""

    def parse_batches(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        pool = _pool(limits)
        for batch in batches:
            for file in batch.to_dict("records"):
                yield pd.DataFrame([_row(file, landing / str(file["path"]), pool)], columns=DOCUMENTS.names)

    return parse_batches


@cache
def _pool(limits: ParseLimits) -> ParserPool:
    return ParserPool(limits)


def _row(file: Mapping[Hashable, object], path: Path, pool: ParserPool) -> dict[Hashable, object]:
    parsed = pool.parse(path)
    # Every column is there: a missing one would be a float NaN, which no STRING takes.
    empty: dict[Hashable, object] = dict.fromkeys(DOCUMENTS.names)
    common = {
        **empty,
        **file,
        "file_hash": content_hash(path) if path.is_file() else None,
        "ingested_at": datetime.now(UTC),
    }
    return common | (_quarantined(parsed) if isinstance(parsed, Failure) else _readable(parsed))


def _readable(parsed: ParsedDocument) -> dict[Hashable, object]:
    version = hashlib.sha256(f"{parsed.title}\n{parsed.markdown}".encode()).hexdigest()
    return {
        "title": parsed.title,
        "language": parsed.language,
        "format": parsed.format,
        "markdown": parsed.markdown,
        "pages": parsed.pages,
        "doc_hash": version,
        "parser": parsed.parser,
        "ocr": parsed.ocr,
        "reason": None,
        "exception_type": None,
    }


def _quarantined(failure: Failure) -> dict[Hashable, object]:
    return {"parser": failure.parser, "reason": failure.reason, "exception_type": failure.exception_type, "ocr": False}
