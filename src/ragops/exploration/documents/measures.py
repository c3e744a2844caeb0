"""Size, age, parse quality, structure, readability and personal data, as sums over `document_facts`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from ragops.corpus.documents.personal import KINDS
from ragops.corpus.documents.table import DOCUMENTS
from ragops.exploration.documents.updates import Commit, changes_a_day
from ragops.exploration.facts import with_facts
from ragops.exploration.profile import ALL, Measure, measured
from ragops.exploration.text_counts import school_grade
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

SPLITS = ("format", "language", "source")
SHOWN = 5
GARBLED = 0.01
"""From this share of garbled characters on, a document is garbled."""
SCANTY_PAGE = 200
"""Characters: a page with fewer is a picture that was not read, or a title page."""

_SUMS = {
    "documents.count": "count(*)",
    "documents.bytes": "sum(size_bytes)",
    "documents.pages": "sum(coalesce(pages, 0))",
    "documents.tokens": "sum(tokens)",
    "documents.llm_tokens": "sum(llm_tokens)",
    "documents.median_tokens": "percentile_approx(tokens, 0.5)",
    "documents.longest_tokens": "max(tokens)",
    "parsing.characters_a_page": "sum(CASE WHEN pages > 0 THEN characters END) / sum(pages)",
    "parsing.scanty_share": f"avg(CASE WHEN pages > 0 THEN int(characters / pages < {SCANTY_PAGE}) END)",
    "parsing.ocr_share": "avg(int(ocr))",
    "parsing.garbled_share": f"avg(int(garbled >= {GARBLED}))",
    "structure.headings_share": "avg(int(headings > 0))",
    "structure.tables_share": "avg(int(tables > 0))",
    "structure.code_share": "avg(int(code_blocks > 0))",
    "structure.headings_a_document": "avg(headings)",
    "readability.letters": "sum(letters)",
    "readability.words": "sum(words)",
    "readability.sentences": "sum(sentences)",
    **{f"personal.{kind}": f"sum({kind})" for kind in KINDS},
    "personal.documents": f"count_if({' + '.join(KINDS)} > 0)",
}
_AGES = {"a day": 1, "a week": 7, "a month": 30, "a quarter": 91, "a year": 365, "older": None}


def profile_documents(workspace: Workspace) -> Iterator[Measure]:
    """Everything about documents but duplicates, of all of them and by format, language and source."""
    facts = with_facts(workspace)
    sums = [F.expr(expression).alias(name) for name, expression in _SUMS.items()]
    groups = [F.lit(ALL), *(F.concat(F.lit(f"{split}="), F.coalesce(split, F.lit("unknown"))) for split in SPLITS)]
    for group in groups:
        rows = facts.groupBy(group.alias("part")).agg(*sums).orderBy(F.desc("`documents.count`"), "part")
        for row in rows.collect():
            yield from _sums(row, row["part"])
    yield from _lengths(facts)
    yield from _ages(facts)
    yield from _personal(facts)
    yield from _quarantine(workspace)
    yield from _changes(workspace)


def _sums(row: Row, group: str) -> Iterator[Measure]:
    values = {name: row[name] for name in _SUMS if row[name] is not None}
    yield from (Measure(name, group, value) for name, value in values.items())
    grade = school_grade(*(values[f"readability.{name}"] for name in ("letters", "words", "sentences")))
    yield Measure("readability.school_grade", group, grade)


def _lengths(facts: DataFrame) -> list[Measure]:
    """How many documents have up to 64, 128, 256 ... tokens."""
    bucket = "int(pow(2, ceil(log2(greatest(tokens, 64)))))"
    rows = facts.groupBy(F.expr(bucket).alias("upto")).count().orderBy("upto").collect()
    return [Measure("documents.length", str(row["upto"]), row["count"]) for row in rows]


def _ages(facts: DataFrame) -> list[Measure]:
    """How many documents were changed within a day, a week ... before now, and over how many days they spread."""
    days = "(unix_seconds(current_timestamp()) - unix_seconds(modified_at)) / 86400"
    cases = " ".join(f"WHEN {days} < {limit} THEN '{name}'" for name, limit in _AGES.items() if limit)
    counted = facts.groupBy(F.expr(f"CASE {cases} ELSE 'older' END").alias("age")).count().collect()
    counts = {row["age"]: row["count"] for row in counted}
    middle = "percentile_approx(unix_seconds(modified_at), array(0.1, 0.9))"
    first, last = facts.select(F.expr(middle).alias("span")).collect()[0]["span"]
    spread = Measure("updates.modified_spread_days", ALL, (last - first) / 86400)
    return [*measured("updates.modified", {age: counts.get(age, 0) for age in _AGES}), spread]


def _personal(facts: DataFrame) -> list[Measure]:
    """The documents that hold most of what looks personal, to be looked at: their paths, never what was found."""
    found = facts.selectExpr("path", f"{' + '.join(KINDS)} AS n").where("n > 0")
    rows = found.orderBy(F.desc("n"), "path").limit(SHOWN).collect()
    return measured("personal.document", {row["path"]: row["n"] for row in rows})


def _quarantine(workspace: Workspace) -> list[Measure]:
    failed = DOCUMENTS.read(workspace).where("reason IS NOT NULL")
    rows = (
        failed.groupBy(F.expr("substring_index(reason, ':', 1)").alias("why"))
        .count()
        .orderBy(F.desc("count"))
        .collect()
    )
    total = sum(row["count"] for row in rows)
    reasons = {row["why"]: float(row["count"]) for row in rows}
    return [Measure("quarantine.count", ALL, total), *measured("quarantine.count", reasons)]


def _changes(workspace: Workspace) -> list[Measure]:
    """Documents a day by the table's history, if that covers a day; and how many commits it holds."""
    asked, on = f"DESCRIBE HISTORY {workspace.table(DOCUMENTS.name)}", f"table {workspace.registered(DOCUMENTS.name)}"
    history = workspace.execute(asked, "SELECT", on).where("operation = 'MERGE'")
    changed = ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted")
    total = " + ".join(f"coalesce(bigint(operationMetrics['{name}']), 0)" for name in changed)
    rows = history.selectExpr("unix_seconds(timestamp) AS at", f"{total} AS documents").where("documents > 0").collect()
    rate = changes_a_day([Commit(datetime.fromtimestamp(row["at"], UTC), row["documents"]) for row in rows])
    known = [] if rate is None else [Measure("updates.changes_a_day", ALL, rate)]
    return [Measure("updates.commits", ALL, len(rows)), *known]
