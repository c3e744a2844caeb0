"""What became of the documents: the change data of their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ragops.corpus.documents.table import DOCUMENTS
from ragops.monitoring.system.rows import moment
from ragops.platform.merge import ids_frame
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SHORTER = 0.7
"""A text that has less than this share of the characters that it had is noted."""


@dataclass(frozen=True, slots=True)
class DocumentCommit:
    """A commit to the table: when, and how many documents it added, changed and deleted.

    `parsers`: version of the parsers before and after, where it read documents again with others; else None.
    """

    at: datetime
    added: int
    changed: int
    deleted: int
    parsers: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class GoneDocument:
    """A document with a text that was deleted at a time, and is not there now."""

    path: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShorterText:
    """A document whose text became much shorter.

    Attributes:
        path: the document.
        at: when.
        before: characters of its text before.
        after: characters of its text now.
        parser: what read it now.
        same_file: whether the file's bytes were the same, so that the parser made the difference.
    """

    path: str
    at: datetime
    before: int
    after: int
    parser: str
    same_file: bool


@dataclass(frozen=True)
class DocumentHistory:
    """Commits, oldest first; documents that are gone; documents that became shorter; from `since` on."""

    since: datetime
    commits: tuple[DocumentCommit, ...] = ()
    gone: tuple[GoneDocument, ...] = ()
    shorter: tuple[ShorterText, ...] = ()


def read_history(workspace: Workspace, since: datetime) -> DocumentHistory:
    """The table's changes since a time, as far back as they are kept.

    Raises:
        NotPermitted: the current user may not read the table.
    """
    if not workspace.spark.catalog.tableExists(workspace.table(DOCUMENTS.name)):
        return DocumentHistory(since)
    first = _first_version(workspace, since)
    if first is None:
        return DocumentHistory(since)
    # Of one commit both sides of an update are rows; side by side they are compared.
    changes = _side_by_side(workspace, first)
    return DocumentHistory(since, _commits(changes), _gone(workspace, changes), _shorter(workspace, changes))


def _first_version(workspace: Workspace, since: datetime) -> int | None:
    from pyspark.sql import functions as F

    on = f"table {workspace.registered(DOCUMENTS.name)}"
    history = workspace.execute(f"DESCRIBE HISTORY {workspace.table(DOCUMENTS.name)}", "SELECT", on)
    found = history.where(F.col("timestamp") >= F.lit(since)).agg(F.min("version")).collect()[0][0]
    return None if found is None else int(found)


def _side_by_side(workspace: Workspace, first: int) -> DataFrame:
    """A row for each document that a commit touched, with its columns before and after."""
    from pyspark.sql import functions as F

    reader = workspace.spark.read.option("readChangeFeed", "true").option("startingVersion", first)
    rows = reader.table(workspace.table(DOCUMENTS.name))
    before = F.col("_change_type").isin("delete", "update_preimage")
    values = {
        "text": F.length("markdown"),
        "file": F.col("file_hash"),
        "parser": F.col("parser"),
        "version": F.col("parser_version"),
        "there": F.lit(True),
    }
    sides = [
        F.max(F.when(before == F.lit(is_before), value)).alias(f"{name}_{side}")
        for side, is_before in (("before", True), ("after", False))
        for name, value in values.items()
    ]
    keys = ("doc_id", "_commit_version")
    return rows.groupBy(*keys).agg(F.max("path").alias("path"), F.max("_commit_timestamp").alias("at"), *sides)


def _commits(changes: DataFrame) -> tuple[DocumentCommit, ...]:
    from pyspark.sql import functions as F

    was, is_ = F.col("there_before").isNotNull(), F.col("there_after").isNotNull()
    other = was & is_ & (F.col("version_before") != F.col("version_after"))
    rows = changes.groupBy("_commit_version").agg(
        F.unix_micros(F.max("at")).alias("at"),
        F.count(F.when(~was, 1)).alias("added"),
        F.count(F.when(was & is_, 1)).alias("changed"),
        F.count(F.when(~is_, 1)).alias("deleted"),
        F.max(F.when(other, F.col("version_before"))).alias("old"),
        F.max(F.when(other, F.col("version_after"))).alias("new"),
    )
    return tuple(
        DocumentCommit(
            moment(row["at"]),
            row["added"],
            row["changed"],
            row["deleted"],
            (row["old"], row["new"]) if row["old"] is not None else None,
        )
        for row in sorted(rows.collect(), key=lambda row: row["_commit_version"])
    )


def _gone(workspace: Workspace, changes: DataFrame) -> tuple[GoneDocument, ...]:
    from pyspark.sql import functions as F

    deleted = changes.where("there_after IS NULL AND text_before IS NOT NULL").groupBy("doc_id")
    rows = deleted.agg(F.max("path").alias("path"), F.unix_micros(F.max("at")).alias("at")).orderBy("path").collect()
    there = _lengths_now(workspace, [row["doc_id"] for row in rows])
    return tuple(GoneDocument(row["path"], moment(row["at"])) for row in rows if row["doc_id"] not in there)


def _shorter(workspace: Workspace, changes: DataFrame) -> tuple[ShorterText, ...]:
    """Those that are shorter now, too: a text may have become long again."""
    from pyspark.sql import functions as F

    became = changes.where(F.col("text_after") < SHORTER * F.col("text_before")).withColumn("at", F.unix_micros("at"))
    rows = became.orderBy("path", "at").collect()
    now = _lengths_now(workspace, [row["doc_id"] for row in rows])
    found = {}
    for row in rows:
        length = now.get(row["doc_id"])
        if length is not None and length < SHORTER * row["text_before"]:
            same_file = row["file_before"] == row["file_after"]
            found[row["doc_id"]] = ShorterText(
                row["path"], moment(row["at"]), row["text_before"], length, row["parser_after"], same_file
            )
    return tuple(found.values())


def _lengths_now(workspace: Workspace, ids: Sequence[str]) -> dict[str, int | None]:
    """Characters of those of the documents that are there now; None for one without a text.

    In a query of its own: within one, Spark reads the table and its change data as the same relation.
    """
    from pyspark.sql import functions as F

    if not ids:
        return {}
    asked = ids_frame(workspace, "doc_id", dict.fromkeys(ids))
    rows = DOCUMENTS.read(workspace).join(asked, "doc_id", "left_semi").select("doc_id", F.length("markdown")).collect()
    return dict(map(tuple, rows))
