"""Several chunk sizes on a bounded sample: chunk lengths, text that the model would not see, and recall."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import functions as F

from ragops.corpus.chunks.splitter import ChunkSizes, split
from ragops.corpus.chunks.tokens import TokenCounter, tokenizer_counter
from ragops.corpus.embeddings.interface import EncoderSource
from ragops.corpus.embeddings.model import EmbeddingModel, tokenizer_file
from ragops.exploration.chunk_sizes.recall import measure_recall
from ragops.exploration.facts import readable
from ragops.exploration.measure_names import Measures
from ragops.exploration.profile import ALL, Measure
from ragops.exploration.questions.kinds import ExploredQuestion
from ragops.platform.workspace import Workspace
from ragops.quality.questions import Anchors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SPECIAL_TOKENS = 2
"""The model adds a start and an end token to every text."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

LONGEST = 1_000_000
"""Characters: longer documents are not in the sample."""
DOCUMENTS_A_BATCH = 50

_CHUNKS = "part STRING, doc_id STRING, text STRING, embedded_text STRING, text_hash STRING, tokens INT, seen INT"


def sizes_to_try(use_case: ChunkSizes, largest: Iterable[int]) -> list[ChunkSizes]:
    """The use case's sizes and one for each of `largest` (tokens of the text), ascending, each once.

    All keep the use case's allowance for title and headings, so that a size above the model's maximum shows what the
    model would not see.
    """
    headings = use_case.embedded_tokens - use_case.max_tokens
    others = {
        most: replace(
            use_case, min_tokens=min(use_case.min_tokens, most // 4), max_tokens=most, embedded_tokens=most + headings
        )
        for most in largest
        if most != use_case.max_tokens
    }
    return [size for _, size in sorted((others | {use_case.max_tokens: use_case}).items())]


def profile_chunking(
    workspace: Workspace,
    model: EmbeddingModel,
    source: EncoderSource,
    questions: Sequence[ExploredQuestion],
    sizes: Sequence[ChunkSizes],
    documents: int,
) -> Iterator[Measure]:
    """Measures each size, named by its `max_tokens`, on a sample of documents; recall if questions have anchors.

    Args:
        workspace: where the tables are.
        model: the embedding model.
        source: loads its encoder.
        questions: those whose anchor is in the sample are searched for.
        sizes: what to try.
        documents: the sample's size, at most.
    """
    anchors = Anchors([one.anchor for one in questions])
    sample = sample_documents(workspace, anchors, documents)
    chunks = sample.mapInPandas(split_at(sizes, tokenizer_counter(tokenizer_file(model))), _CHUNKS)
    yield from _lengths(chunks, model.max_tokens - SPECIAL_TOKENS)
    answerable = sample.select(F.explode("answers").alias("question")).distinct().collect()
    numbers = sorted(row["question"] for row in answerable)
    yield Measure(Measures.CHUNKING_QUESTIONS, ALL, len(numbers))
    if numbers:
        yield from measure_recall(workspace, model, source, chunks, [questions[number] for number in numbers])


def sample_documents(workspace: Workspace, anchors: Anchors, most: int) -> DataFrame:
    """At most `most` documents (doc_id, title, markdown, answers), those that answer questions first.

    `answers`: the numbers of the questions that a document answers. A worker gets few documents at a time, and none
    longer than LONGEST: the splitter takes fifty times its length in memory.
    """
    columns = "doc_id STRING, title STRING, markdown STRING, answers ARRAY<INT>"

    def look(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield batch.assign(answers=batch["markdown"].map(anchors.found_in))

    documents = readable(workspace).where(f"length(markdown) <= {LONGEST}").select("doc_id", "title", "markdown")
    found = _in_batches(documents, documents.count()).mapInPandas(look, columns)
    return _in_batches(found.orderBy(F.expr("size(answers) = 0"), F.xxhash64("doc_id")).limit(most), most)


def _in_batches(documents: DataFrame, number: int) -> DataFrame:
    """Partitions of a few documents, each of which is one batch."""
    return documents.repartition(max(2, -(-number // DOCUMENTS_A_BATCH)))


def split_at(
    sizes: Sequence[ChunkSizes], count: TokenCounter
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function that Spark runs over batches of documents: their chunks at every size."""

    def split_batches(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            for doc_id, title, markdown in zip(batch["doc_id"], batch["title"], batch["markdown"], strict=True):
                for size in sizes:
                    yield _chunks(doc_id, title, markdown, count, size)

    return split_batches


def _chunks(doc_id: str, title: str | None, markdown: str, count: TokenCounter, size: ChunkSizes) -> pd.DataFrame:
    chunks = split(doc_id, title, markdown, count, size)
    seen = count([chunk.embedded_text for chunk in chunks])
    part = str(size.max_tokens)
    rows = [
        (part, doc_id, chunk.text, chunk.embedded_text, chunk.text_hash, chunk.tokens, tokens)
        for chunk, tokens in zip(chunks, seen, strict=True)
    ]
    return pd.DataFrame(rows, columns=["part", "doc_id", "text", "embedded_text", "text_hash", "tokens", "seen"])


def _lengths(chunks: DataFrame, limit: int) -> Iterator[Measure]:
    """Chunks of each size, quantiles of their tokens, and how much of them exceeds the model's `limit`."""
    quantiles = f"percentile_approx(tokens, array({', '.join(map(str, QUANTILES))}))"
    rows = chunks.groupBy("part").agg(
        F.count("*").alias("chunks"),
        F.expr(quantiles).alias("quantiles"),
        F.expr(f"avg(int(seen > {limit}))").alias("truncated"),
        F.expr(f"sum(greatest(0, seen - {limit})) / sum(seen)").alias("unseen"),
    )
    for row in sorted(rows.collect(), key=lambda row: int(row["part"])):
        yield Measure(Measures.CHUNKING_CHUNKS, row["part"], row["chunks"])
        yield Measure(Measures.CHUNKING_TRUNCATED_SHARE, row["part"], row["truncated"])
        yield Measure(Measures.CHUNKING_UNSEEN_SHARE, row["part"], row["unseen"])
        for quantile, value in zip(QUANTILES, row["quantiles"], strict=True):
            yield Measure(f"chunking.tokens_q{100 * quantile:02.0f}", row["part"], value)
