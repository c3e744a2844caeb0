"""Recall at each chunk size: new texts are embedded, and all are searched exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import functions as F

from ragops.corpus.embeddings.interface import CPU, EncoderSource
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, short
from ragops.corpus.embeddings.stage import embeddings_table
from ragops.corpus.embeddings.vectors import vectors
from ragops.exploration.nearest import nearest
from ragops.exploration.profile import Measure
from ragops.exploration.questions.kinds import ExploredQuestion
from ragops.platform.merge import merge
from ragops.platform.tables import Table
from ragops.platform.workspace import Workspace
from ragops.quality.questions import Anchors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

DEPTHS = (5, 10)


def tried_table(model: EmbeddingModel) -> Table:
    """Vectors of passages of sizes that were only tried, which no index contains. May be dropped at any time."""
    own = embeddings_table(fingerprint(model))
    name = f"tried_vectors_{short(fingerprint(model))}"
    return replace(own, name=name, comment="Vectors of the chunk sizes that the last exploration tried.")


def measure_recall(
    workspace: Workspace,
    model: EmbeddingModel,
    source: EncoderSource,
    chunks: DataFrame,
    questions: Sequence[ExploredQuestion],
) -> Iterator[Measure]:
    """The share of questions with an answering passage among the first five and ten, for each size.

    Args:
        workspace: where vectors are.
        model: the embedding model.
        source: loads its encoder.
        chunks: rows (part, text, embedded_text, text_hash).
        questions: questions with anchors.
    """
    texts = chunks.select("part", "text_hash", "text", "embedded_text").dropDuplicates(["part", "text_hash"])
    known = _embed(workspace, model, source, texts)
    queries = source.load(CPU).encode_queries([one.question for one in questions])
    found = nearest(texts.join(known, "text_hash"), queries, max(DEPTHS))
    passages = found.join(texts.select("part", "text_hash", "text"), ["part", "text_hash"])
    answering = passages.select("part", "question", "rank", "text").mapInPandas(
        _answering(Anchors([one.anchor for one in questions])), "part STRING, question INT, rank INT"
    )
    ranks = answering.groupBy("part", "question").agg(F.min("rank").alias("rank"))
    shares = [F.expr(f"count_if(rank <= {depth})").alias(str(depth)) for depth in DEPTHS]
    for row in sorted(ranks.groupBy("part").agg(*shares).collect(), key=lambda row: int(row["part"])):
        for depth in DEPTHS:
            yield Measure(f"chunking.recall_at_{depth}", row["part"], row[str(depth)] / len(questions))


def _embed(workspace: Workspace, model: EmbeddingModel, source: EncoderSource, texts: DataFrame) -> DataFrame:
    """Vectors of all the texts (text_hash, embedding); those that only an earlier sample needed are deleted."""
    live, tried = embeddings_table(fingerprint(model)), tried_table(model)
    tried.create(workspace)
    wanted = texts.select("text_hash", "embedded_text").dropDuplicates(["text_hash"])
    new = wanted.join(live.read(workspace), "text_hash", "left_anti")
    missing = new.join(tried.read(workspace), "text_hash", "left_anti")
    count = missing.count()
    if count:
        stale = tried.read(workspace).join(wanted, "text_hash", "left_anti")
        for rows in vectors(workspace, missing, count, model, source):
            merge(workspace, tried, rows, replacing=stale.select("text_hash"))
    both = live.read(workspace).unionByName(tried.read(workspace)).select("text_hash", "embedding")
    return both.dropDuplicates(["text_hash"])


def _answering(anchors: Anchors) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function that Spark runs over the passages that were found; it keeps those that answer."""

    def judge(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            pairs = zip(batch["text"], batch["question"], strict=True)
            yield batch.loc[[anchors.is_in(text, number) for text, number in pairs], ["part", "question", "rank"]]

    return judge
