"""The questions and the corpus's vectors: how similar the nearest passage is, and what questions are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import functions as F

from ragops.corpus.chunks.table import CHUNKS
from ragops.corpus.embeddings.interface import CPU, EncoderSource, Vectors, normalized
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint
from ragops.corpus.embeddings.stage import embeddings_table
from ragops.errors import UserError, needing
from ragops.exploration.facts import SOURCE
from ragops.exploration.measure_names import Measures
from ragops.exploration.nearest import nearest
from ragops.exploration.profile import ALL, Measure, measured
from ragops.exploration.questions.kinds import (
    KINDS,
    MOST_QUESTIONS,
    ExploredQuestion,
    kind,
    languages,
    length,
    name_clusters,
)
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.rows import ANSWERS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

RANDOM_PASSAGES = 500
"""Random passages: mean and spread of their similarity to the questions show what chance gives."""
_SIGMAS = 2.0
"""Of the demo's questions half of those without an answer are below, and one in fifty of those answered by the first
five passages."""


def asked_questions(workspace: Workspace) -> list[ExploredQuestion]:
    """At most 2,000 questions that people have asked a server, the most frequent first; empty if there are none."""
    if not workspace.spark.catalog.tableExists(workspace.table(ANSWERS.name)):
        return []
    return _most_frequent(ANSWERS.read(workspace))


def questions_in_table(workspace: Workspace, name: str) -> list[ExploredQuestion]:
    """At most 2,000 questions in a table's column `question`, the most frequent first.

    `name` is a table of this schema, or is qualified with schema and catalog.

    Raises:
        UserError: there is no such table, it has no column `question`, or no rows.
    """
    full = name if "." in name else f"{workspace.catalog}.{workspace.schema}.{name}"
    if not workspace.spark.catalog.tableExists(full):
        raise UserError(f"parameter questions: there is no table {full}; give table:NAME or a JSONL file")
    with needing("SELECT", f"table {full}"):
        rows = workspace.spark.table(full)
        columns = rows.columns
    if "question" not in columns:
        raise UserError(f"parameter questions: {full} has no column question, only {', '.join(columns)}")
    if not (found := _most_frequent(rows)):
        raise UserError(f"parameter questions: {full} has no questions; leave the parameter empty")
    return found


def _most_frequent(rows: DataFrame) -> list[ExploredQuestion]:
    counted = rows.where("trim(question) <> ''").groupBy(F.trim("question").alias("question")).count()
    most = counted.orderBy(F.desc("count"), "question").limit(MOST_QUESTIONS).collect()
    return [ExploredQuestion(question=row["question"]) for row in most]


def live_vectors(workspace: Workspace, model: EmbeddingModel) -> DataFrame:
    """The vectors of all chunks' texts, each once: (text_hash, embedding, source)."""
    table = embeddings_table(fingerprint(model))
    table.create(workspace)
    used = CHUNKS.read(workspace).selectExpr("text_hash", f"{SOURCE} AS source").dropDuplicates(["text_hash"])
    return used.join(table.read(workspace).select("text_hash", "embedding"), "text_hash")


def profile_questions(
    workspace: Workspace, model: EmbeddingModel, source: EncoderSource, questions: Sequence[ExploredQuestion]
) -> Iterator[Measure]:
    """Kinds, lengths, clusters, and similarity to the nearest passage; nothing without questions.

    A question is close to a passage if their cosine is more than two standard deviations above the mean of the
    questions and random passages: a measure that works for any model.
    """
    texts = [one.question for one in questions]
    if not texts:
        return
    kinds, lengths = Counter(map(kind, texts)), [length(text) for text in texts]
    yield Measure(Measures.QUESTIONS_COUNT, ALL, len(texts))
    yield Measure(Measures.QUESTIONS_MEDIAN_WORDS, ALL, float(np.median(lengths)))
    yield from measured(Measures.QUESTIONS_KIND, {name: kinds[name] for name in KINDS})
    yield from measured(Measures.QUESTIONS_WORDS, _histogram(np.array(lengths), 5))
    yield from measured(Measures.QUESTIONS_LANGUAGE, languages(texts))
    vectors = source.load(CPU).encode_queries(texts)
    yield from measured(Measures.QUESTIONS_CLUSTER, name_clusters(texts, vectors))
    yield from _similarity(live_vectors(workspace, model), vectors)


def _similarity(passages: DataFrame, questions: Vectors) -> Iterator[Measure]:
    """Cosines to the nearest passage, and the share of questions without a close one."""
    sample = passages.orderBy(F.xxhash64("text_hash")).limit(RANDOM_PASSAGES).select("embedding").toPandas()
    if sample.empty:
        return
    chance = normalized(questions) @ normalized(np.stack(sample["embedding"].tolist())).T
    floor = float(chance.mean() + _SIGMAS * chance.std())
    best = nearest(passages.withColumn("part", F.lit(ALL)), questions, 1).select("score").toPandas()["score"]
    yield Measure(Measures.QUESTIONS_CHANCE_SIMILARITY, ALL, float(chance.mean()))
    yield Measure(Measures.QUESTIONS_CLOSE_FROM, ALL, floor)
    yield Measure(Measures.QUESTIONS_MEDIAN_SIMILARITY, ALL, float(best.median()))
    yield Measure(Measures.QUESTIONS_FAR_SHARE, ALL, float((best < floor).mean()))
    yield from measured(Measures.QUESTIONS_SIMILARITY, _histogram(best.to_numpy(), 0.05))


def _histogram(values: NDArray[Any], step: float) -> dict[str, float]:
    """Counts by the lower end of each interval of width `step`, empty ones in between included."""
    bins = np.floor(values / step).astype(int)
    counts = Counter(bins.tolist())
    return {f"{number * step:g}": float(counts[number]) for number in range(bins.min(), bins.max() + 1)}
