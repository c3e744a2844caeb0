"""The questions of a batch: from a table, or the use case's evaluation questions; what is wrong with a row.

A row that cannot be answered gets an error and costs the others nothing; a table that is none of questions is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ragops.answers.retrieval.validate import MAX_QUESTION_CHARACTERS
from ragops.errors import UserError, needing
from ragops.platform.workspace import Workspace
from ragops.quality.datasets.question_set import open_set
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

EVALUATION = "evaluation"
"""Instead of a table's name: the questions of the use case."""

_SCHEMA = "question_id STRING, question STRING, groups ARRAY<STRING>"
_TYPES = {
    "question_id": ("string", "int", "bigint", "smallint", "tinyint"),
    "question": ("string",),
    "groups": ("array<string>", "array<void>", "void"),
}
_MAKE = "CREATE TABLE {table} AS SELECT 'q1' AS question_id, 'How do I open a file?' AS question, array() AS groups"


def read_questions(workspace: Workspace, use_case: UseCase, name: str) -> DataFrame:
    """The questions (question_id, question, groups) as they are.

    Args:
        workspace: of tables that are named without catalog and schema.
        use_case: whose questions `evaluation` means.
        name: TABLE, SCHEMA.TABLE or CATALOG.SCHEMA.TABLE; or `evaluation`.

    Raises:
        UserError: there is no such table, or it lacks columns; the use case has no questions.
    """
    from pyspark.sql import functions as F

    if name == EVALUATION:
        return _of_use_case(workspace, use_case)
    table = qualified(workspace, name)
    if not workspace.spark.catalog.tableExists(table):
        make = _MAKE.format(table=name)
        raise UserError(f"parameter questions: no table {name}; make one ({make}), or give questions={EVALUATION}")
    with needing("SELECT", f"table {name}"):
        rows = workspace.spark.table(table)
        types = {column.casefold(): kind for column, kind in rows.dtypes}
    for column, allowed in _TYPES.items():
        kind = types.get(column, "void" if column == "groups" else "")
        if kind not in allowed:
            found = f"column {column} has type {kind}" if kind else f"it has no column {column}"
            raise UserError(f"parameter questions: table {name}: {found}; it must be {allowed[0].upper()}")
    groups = F.col("groups") if types.get("groups", "void") != "void" else F.lit(None)
    return rows.select(
        F.col("question_id").cast("string").alias("question_id"),
        "question",
        groups.cast("array<string>").alias("groups"),
    )


def qualified(workspace: Workspace, name: str) -> str:
    """A table's quoted name with catalog and schema."""
    parts = name.split(".")
    whole = [*[workspace.catalog, workspace.schema][: 3 - len(parts)], *parts]
    return ".".join(f"`{part}`" for part in whole)


def distinct_questions(rows: DataFrame, known_groups: Collection[str] = ()) -> DataFrame:
    """One row for each question id: question_id, question, groups, problem (null if there is none).

    Equal rows count once. Texts are cut to one character more than a question may have, and are valid UTF-8.

    Args:
        rows: as `read_questions` returns them.
        known_groups: all existing groups; empty if they are not known.
    """
    from pyspark.sql import functions as F

    most = MAX_QUESTION_CHARACTERS
    text = F.coalesce("question", F.lit(""))
    cleaned = rows.select(
        F.nullif(F.make_valid_utf8("question_id"), F.lit("")).alias("question_id"),
        F.substring(F.make_valid_utf8(text), 1, most + 1).alias("question"),
        _groups().alias("groups"),
        F.is_valid_utf8(text).alias("is_text"),
        F.length(text).alias("length"),
        F.sha2(text, 256).alias("hash"),
    )
    one = cleaned.groupBy("question_id").agg(
        F.min_by(F.struct("question", "groups", "is_text", "length"), F.struct("question", "groups")).alias("first"),
        F.count_distinct("hash", "groups").alias("variants"),
        F.count(F.lit(1)).alias("rows"),
    )
    return one.select("question_id", "first.question", "first.groups", _problem(most, known_groups).alias("problem"))


def _groups() -> Column:
    from pyspark.sql import functions as F

    named = F.filter(F.coalesce("groups", F.array().cast("array<string>")), lambda name: name.isNotNull())
    return F.array_sort(F.array_distinct(F.transform(named, F.make_valid_utf8)))


def _problem(most: int, known_groups: Collection[str]) -> Column:
    """Why a row is refused without a look at its words, which `check_question` takes later."""
    from pyspark.sql import functions as F

    length = F.format_number("first.length", 0)
    too_long = F.concat(F.lit("question: "), length, F.lit(f" characters, at most {most:,}; shorten it"))
    without = F.concat(F.lit("question_id: it is missing in "), "rows", F.lit(" rows; give each question its own"))
    twice = F.concat(F.lit("question_id: "), "variants", F.lit(" different questions have it; give each its own"))
    others = F.filter("first.groups", lambda name: ~name.isin(list(known_groups)))
    unknown = F.concat(F.lit("group "), others[0], F.lit(": corpus.groups in usecase.yml does not list it"))
    return (
        F.when(F.col("question_id").isNull(), without)
        .when(F.col("variants") > 1, twice)
        .when(~F.col("first.is_text"), F.lit("question: it is not valid UTF-8; send text in UTF-8"))
        .when(F.col("first.length") > most, too_long)
        .when(F.lit(bool(known_groups)) & (F.size(others) > 0), unknown)
    )


def _of_use_case(workspace: Workspace, use_case: UseCase) -> DataFrame:
    known = open_set(use_case).questions
    if not known:
        raise UserError("evaluation.questions: the use case names none; give a table of questions: questions=TABLE")
    rows: list[tuple[str, str, list[str]]] = [(one.question_id, one.question, []) for one in known]
    return workspace.spark.createDataFrame(rows, _SCHEMA)
