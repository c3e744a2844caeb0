"""What `documents` holds, for people: counts by format, the quarantine by reason, and warnings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ragops.corpus.documents.sniffing import FORMATS
from ragops.corpus.documents.table import DOCUMENTS
from ragops.errors import UserError
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True)
class FormatCount:
    """The readable documents of one format; `size_bytes` and `pages` are sums, `pages` None if it has no pages."""

    format: str
    documents: int
    size_bytes: int
    pages: int | None
    ocr: int
    warned: int
    newest: datetime


@dataclass(frozen=True)
class Quarantined:
    """A file that could not be read."""

    path: str
    reason: str
    tries: int


@dataclass(frozen=True)
class Warned:
    """A document of which parts could not be read."""

    path: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Overview:
    """Documents that match a selection: formats by number of documents, files by path."""

    formats: tuple[FormatCount, ...]
    quarantine: tuple[Quarantined, ...]
    warned: tuple[Warned, ...]

    @property
    def files(self) -> int:
        """Number of files, readable or not."""
        return sum(count.documents for count in self.formats) + len(self.quarantine)


@dataclass(frozen=True)
class Selection:
    """Which documents to show.

    Attributes:
        name: a part of the path, or a pattern with * and ? for the whole path or the file's name.
        reason: a part of the reason of quarantined files; no others are shown then.
        format: the document's format; for quarantined files their extension.
        warnings: only documents with warnings.
    """

    name: str = ""
    reason: str = ""
    format: str = ""
    warnings: bool = False

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return self != Selection()

    @property
    def path_pattern(self) -> str:
        """A regular expression, for Java as for Python, that a selected path matches anywhere."""
        if not re.search(r"[*?]", self.name):
            return f"(?i){re.escape(self.name)}"
        whole = re.escape(self.name).replace(r"\*", ".*").replace(r"\?", ".")
        return f"(?is)(?:^|/){whole}$"


def matches(selection: Selection, path: str) -> bool:
    """Whether a path is selected by its name."""
    return re.search(selection.path_pattern, path) is not None


def read_overview(workspace: Workspace, selection: Selection) -> Overview:
    """Reads the table.

    Raises:
        UserError: the schema has no documents table, or no file has the format.
        NotPermitted: the current user may not read it.
    """
    from pyspark.sql import functions as F

    if not workspace.spark.catalog.tableExists(workspace.table(DOCUMENTS.name)):
        raise UserError(f"documents: none in {workspace.catalog}.{workspace.schema}; run: localbundle run refresh")
    rows = DOCUMENTS.read(workspace)
    for name, missing in (("warnings", F.array().cast("array<string>")), ("tries", F.lit(1))):
        if name not in rows.columns:  # written by an earlier version
            rows = rows.withColumn(name, missing)
    rows = rows.withColumn("warnings", F.coalesce("warnings", F.array().cast("array<string>")))
    rows = rows.where(_condition(selection))
    refused = rows.where("reason IS NOT NULL").select("path", "reason", F.coalesce("tries", F.lit(1))).orderBy("path")
    warned = rows.where("reason IS NULL AND size(warnings) > 0").select("path", "warnings").orderBy("path")
    overview = Overview(
        formats=_formats(rows),
        quarantine=tuple(Quarantined(*row) for row in refused.collect()),
        warned=tuple(Warned(path, tuple(sentences)) for path, sentences in warned.collect()),
    )
    check_format(overview, selection)
    return overview


def check_format(overview: Overview, selection: Selection) -> None:
    """Raises UserError where nothing has a format that is none; quarantined files may have any extension."""
    name = selection.format.lower().lstrip(".")
    if name and not overview.files and name not in FORMATS.values():
        known = ", ".join(sorted(set(FORMATS.values())))
        raise UserError(
            f"--format {selection.format}: no such format, and no quarantined file ends so; formats: {known}"
        )


def _condition(selection: Selection) -> Column:
    from pyspark.sql import functions as F

    condition = F.lit(True)
    if selection.name:
        condition &= F.col("path").rlike(selection.path_pattern)
    if selection.reason:
        condition &= F.lower("reason").contains(selection.reason.lower())
    if selection.format:
        extension = F.regexp_extract("path", r"\.([^./]+)$", 1)
        condition &= F.lower(F.coalesce("format", extension)) == selection.format.lower().lstrip(".")
    if selection.warnings:
        condition &= F.size("warnings") > 0
    return condition


def _formats(rows: DataFrame) -> tuple[FormatCount, ...]:
    from pyspark.sql import functions as F

    counted = (
        rows.where("reason IS NULL")
        .groupBy("format")
        .agg(
            F.count("*").alias("documents"),
            F.sum("size_bytes"),
            F.sum("pages"),
            F.count_if("ocr"),
            F.count_if(F.size("warnings") > 0),
            F.max("modified_at"),
        )
        .orderBy(F.desc("documents"), "format")
    )
    return tuple(FormatCount(*row) for row in counted.collect())
