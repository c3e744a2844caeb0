"""Size, age, parse quality, structure, readability and personal data of documents, as sums over `document_facts`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from ragops.corpus.documents.personal import KINDS
from ragops.corpus.documents.table import DOCUMENTS
from ragops.exploration.facts import with_facts
from ragops.exploration.measure_names import Measures
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
DAY = timedelta(days=1)

_SUMS = {
    Measures.DOCUMENTS_COUNT: "count(*)",
    Measures.DOCUMENTS_BYTES: "sum(size_bytes)",
    Measures.DOCUMENTS_PAGES: "sum(coalesce(pages, 0))",
    Measures.DOCUMENTS_TOKENS: "sum(tokens)",
    Measures.DOCUMENTS_LLM_TOKENS: "sum(llm_tokens)",
    Measures.DOCUMENTS_MEDIAN_TOKENS: "percentile_approx(tokens, 0.5)",
    Measures.DOCUMENTS_LONGEST_TOKENS: "max(tokens)",
    Measures.PARSING_CHARACTERS_A_PAGE: "sum(CASE WHEN pages > 0 THEN characters END) / sum(pages)",
    Measures.PARSING_SCANTY_SHARE: f"avg(CASE WHEN pages > 0 THEN int(characters / pages < {SCANTY_PAGE}) END)",
    Measures.PARSING_OCR_SHARE: "avg(int(ocr))",
    Measures.PARSING_GARBLED_SHARE: f"avg(int(garbled >= {GARBLED}))",
    Measures.STRUCTURE_HEADINGS_SHARE: "avg(int(headings > 0))",
    Measures.STRUCTURE_TABLES_SHARE: "avg(int(tables > 0))",
    Measures.STRUCTURE_CODE_SHARE: "avg(int(code_blocks > 0))",
    Measures.STRUCTURE_HEADINGS_A_DOCUMENT: "avg(headings)",
    Measures.READABILITY_LETTERS: "sum(letters)",
    Measures.READABILITY_WORDS: "sum(words)",
    Measures.READABILITY_SENTENCES: "sum(sentences)",
    **{f"personal.{kind}": f"sum({kind})" for kind in KINDS},
    Measures.PERSONAL_DOCUMENTS: f"count_if({' + '.join(KINDS)} > 0)",
}
_AGES = {"a day": 1, "a week": 7, "a month": 30, "a quarter": 91, "a year": 365, "older": None}


@dataclass(frozen=True)
class Commit:
    """One change of the table `documents`: when, and how many documents were added, changed or deleted."""

    at: datetime
    documents: int


def profile_documents(workspace: Workspace) -> Iterator[Measure]:
    """Everything about documents except duplicates, of all of them and by format, language and source."""
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
    yield Measure(Measures.READABILITY_SCHOOL_GRADE, group, grade)


def _lengths(facts: DataFrame) -> list[Measure]:
    """Counts of documents with up to 64, 128, 256 ... tokens."""
    bucket = "int(pow(2, ceil(log2(greatest(tokens, 64)))))"
    rows = facts.groupBy(F.expr(bucket).alias("upto")).count().orderBy("upto").collect()
    return [Measure(Measures.DOCUMENTS_LENGTH, str(row["upto"]), row["count"]) for row in rows]


def _ages(facts: DataFrame) -> list[Measure]:
    """Counts of documents that were changed within the last day, week ..., and how many days the dates span."""
    days = "(unix_seconds(current_timestamp()) - unix_seconds(modified_at)) / 86400"
    cases = " ".join(f"WHEN {days} < {limit} THEN '{name}'" for name, limit in _AGES.items() if limit)
    counted = facts.groupBy(F.expr(f"CASE {cases} ELSE 'older' END").alias("age")).count().collect()
    counts = {row["age"]: row["count"] for row in counted}
    quantiles = "percentile_approx(unix_seconds(modified_at), array(0.1, 0.9))"
    first, last = facts.select(F.expr(quantiles).alias("span")).collect()[0]["span"]
    spread = Measure(Measures.UPDATES_MODIFIED_SPREAD_DAYS, ALL, (last - first) / 86400)
    return [*measured(Measures.UPDATES_MODIFIED, {age: counts.get(age, 0) for age in _AGES}), spread]


def _personal(facts: DataFrame) -> list[Measure]:
    """The documents with the most data that looks personal, for review: their paths, never the data."""
    found = facts.selectExpr("path", f"{' + '.join(KINDS)} AS n").where("n > 0")
    rows = found.orderBy(F.desc("n"), "path").limit(SHOWN).collect()
    return measured(Measures.PERSONAL_DOCUMENT, {row["path"]: row["n"] for row in rows})


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
    return [Measure(Measures.QUARANTINE_COUNT, ALL, total), *measured(Measures.QUARANTINE_COUNT, reasons)]


def _changes(workspace: Workspace) -> list[Measure]:
    """Documents that change per day, by the table's history if it covers a day; and its number of commits."""
    asked, on = f"DESCRIBE HISTORY {workspace.table(DOCUMENTS.name)}", f"table {workspace.registered(DOCUMENTS.name)}"
    history = workspace.execute(asked, "SELECT", on).where("operation = 'MERGE'")
    changed = ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted")
    total = " + ".join(f"coalesce(bigint(operationMetrics['{name}']), 0)" for name in changed)
    rows = history.selectExpr("unix_seconds(timestamp) AS at", f"{total} AS documents").where("documents > 0").collect()
    rate = commit_rate([Commit(datetime.fromtimestamp(row["at"], UTC), row["documents"]) for row in rows])
    known = [] if rate is None else [Measure(Measures.UPDATES_CHANGES_A_DAY, ALL, rate)]
    return [Measure(Measures.UPDATES_COMMITS, ALL, len(rows)), *known]


def commit_rate(commits: Sequence[Commit]) -> float | None:
    """Documents per day without the first load; None where the history covers less than a day."""
    after = sorted(commits, key=lambda commit: commit.at)
    if len(after) < 2 or after[-1].at - after[0].at < DAY:
        return None
    return sum(commit.documents for commit in after[1:]) / ((after[-1].at - after[0].at) / DAY)
