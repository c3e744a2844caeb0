"""Repeated documents and paragraphs, found by joins on hashes on the workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from ragops.exploration.facts import FACTS, readable
from ragops.exploration.measure_names import Measures
from ragops.exploration.minhash import SIGNATURE_LENGTH, SIMILAR
from ragops.exploration.profile import ALL, Measure
from ragops.platform.workspace import Workspace
from ragops.text import one_line

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SHOWN = 8
SHORTEST_PARAGRAPH = 60
"""Characters: shorter paragraphs repeat by chance."""
BOILERPLATE_DOCUMENTS = 3
"""A paragraph in this many documents is boilerplate."""


def profile_duplicates(workspace: Workspace) -> Iterator[Measure]:
    """Exact and near duplicates, the most similar pairs, and boilerplate."""
    documents = readable(workspace)
    exact = documents.selectExpr("count(*) - count(DISTINCT sha2(markdown, 256)) AS n").collect()[0]["n"]
    yield Measure(Measures.DUPLICATES_EXACT, ALL, exact)
    yield from _near(workspace, documents)
    yield from _boilerplate(documents)


def near_duplicates(workspace: Workspace) -> DataFrame:
    """Documents (doc_id, kept, similarity) that share a band with an earlier one; `kept` is the most similar such one.

    Candidates are compared with the first document of their band, not with each other: a thousand copies give a
    thousand pairs, not half a million.
    """
    sketches = FACTS.read(workspace).select("doc_id", "signature")
    banded = FACTS.read(workspace).select("doc_id", F.posexplode("bands").alias("band", "bucket"))
    firsts = banded.groupBy("band", "bucket").agg(F.min("doc_id").alias("kept"), F.count("*").alias("n")).where("n > 1")
    pairs = banded.join(firsts, ["band", "bucket"]).where("doc_id <> kept").select("doc_id", "kept").distinct()
    kept = sketches.selectExpr("doc_id AS kept", "signature AS kept_signature")
    equal = "size(filter(zip_with(signature, kept_signature, (a, b) -> a = b), same -> same))"
    compared = pairs.join(sketches, "doc_id").join(kept, "kept")
    rated = compared.selectExpr("doc_id", "kept", f"{equal} / {SIGNATURE_LENGTH} AS similarity")
    return rated.groupBy("doc_id").agg(
        F.max_by("kept", "similarity").alias("kept"), F.max("similarity").alias("similarity")
    )


def _near(workspace: Workspace, documents: DataFrame) -> Iterator[Measure]:
    pairs = near_duplicates(workspace)
    tenth = F.expr("format_string('%.1f', floor(similarity * 10) / 10)")
    counts = {row["bucket"]: row["count"] for row in pairs.groupBy(tenth.alias("bucket")).count().collect()}
    yield from (Measure(Measures.DUPLICATES_SIMILARITY, name, counts[name]) for name in sorted(counts))
    similar = pairs.where(F.col("similarity") >= SIMILAR)
    yield Measure(Measures.DUPLICATES_NEAR, ALL, similar.count())
    paths = documents.select("doc_id", "path")
    named = similar.join(paths, "doc_id").join(paths.selectExpr("doc_id AS kept", "path AS kept_path"), "kept")
    for row in named.orderBy(F.desc("similarity"), "path").limit(SHOWN).collect():
        yield Measure(Measures.DUPLICATES_PAIR, f"{row['path']} = {row['kept_path']}", row["similarity"])


def _boilerplate(documents: DataFrame) -> Iterator[Measure]:
    split = F.explode(F.expr(r"split(markdown, '\\n\\s*\\n')")).alias("paragraph")
    paragraphs = documents.select("doc_id", split).selectExpr("doc_id", "trim(paragraph) AS paragraph")
    long = paragraphs.where(f"length(paragraph) >= {SHORTEST_PARAGRAPH}")
    counted = long.groupBy(F.sha2("paragraph", 256).alias("hash")).agg(
        F.countDistinct("doc_id").alias("documents"),
        F.sum(F.length("paragraph")).alias("characters"),
        F.first(F.substring("paragraph", 1, 80)).alias("begins"),
    )
    repeated = f"documents >= {BOILERPLATE_DOCUMENTS}"
    share = f"sum(IF({repeated}, characters, 0)) / sum(characters) AS share"
    found = counted.selectExpr(share, f"count_if({repeated}) AS paragraphs").collect()[0]
    yield Measure(Measures.BOILERPLATE_CHARACTER_SHARE, ALL, found["share"] or 0.0)
    yield Measure(Measures.BOILERPLATE_PARAGRAPHS, ALL, found["paragraphs"])
    for row in counted.where(repeated).orderBy(F.desc("documents"), "begins").limit(SHOWN).collect():
        yield Measure(Measures.BOILERPLATE_PARAGRAPH, one_line(row["begins"]), row["documents"])
