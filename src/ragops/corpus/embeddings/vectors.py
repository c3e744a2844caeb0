"""Vectors of a table's texts, in slices: computed by Spark's workers, or in this process, which also calls endpoints.

On serverless compute, functions in workers have neither network access nor credentials to call an endpoint, nor memory
for a model. Calling an endpoint from one process costs no speed: many requests run at once, and the server limits them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from ragops.corpus.embeddings.endpoint_encoder import requests
from ragops.corpus.embeddings.interface import CPU, Encoder, EncoderSource
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.recipes import OpenVinoSource
from ragops.corpus.embeddings.udf import TEXTS_PER_CALL, embed_udf
from ragops.platform.compute import on_serverless
from ragops.platform.merge import parallelism
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TEXTS_A_SLICE = 200_000
TEXTS_ON_CPUS = 20_000
"""Texts in a slice that CPUs embed: with a large model, a few vectors per second."""
TEXTS_HERE = 8192
"""Texts in a slice embedded in this process: their vectors go to Spark in one message of at most 128 MB."""
_REQUESTS_AT_ONCE = 8
# The number of partitions is a multiple of the cores, to keep all busy: 3 partitions on 2 cores take as long as 4.
# With larger partitions, a lost task would cost too much.
_TEXTS_A_PARTITION = 8192
# Fewer texts are embedded before a second worker has started and loaded the model.
_FEW_TEXTS = 64
# The number of cores does not determine how many tasks run at a time on GPUs. There a partition is one call of the
# encoder, or a part of one if there would be too few partitions for many GPUs.
_GPU_PARTITIONS = 16
_LEAST_TEXTS = 1024

Vectors = Callable[["DataFrame", int], "DataFrame"]
"""Rows (text_hash, embedding) for a frame of texts and their approximate number."""


def vectors(
    workspace: Workspace,
    texts: DataFrame,
    count: int,
    model: EmbeddingModel,
    source: EncoderSource,
    most: int = TEXTS_A_SLICE,
) -> Iterator[DataFrame]:
    """Yields frames (text_hash, embedding, embedded_at) to merge one after another.

    Args:
        workspace: the workspace of the table.
        texts: rows (text_hash, embedded_text), each hash once; may already exclude merged ones.
        count: the number of texts.
        model: the embedding model.
        source: its encoder's recipe.
        most: the approximate maximum number of texts in a frame; a text's hash determines its frame.

    Raises:
        UserError: the endpoint does not return vectors.
    """
    here = model.is_endpoint or on_serverless()
    make = _in_this_process(workspace, model, source) if here else _by_workers(workspace, source)
    slices = -(-count // min(most, TEXTS_HERE if here else most if source.uses_gpu else TEXTS_ON_CPUS))
    for number in range(slices):
        part = texts.where(F.pmod(F.xxhash64("text_hash"), F.lit(slices)) == number)
        yield make(part, -(-count // slices)).withColumn("embedded_at", F.current_timestamp())


def partitions(texts: int, slots: int) -> int:
    """The number of tasks that embed `texts`. `slots`: tasks that run at a time; 0 on GPUs, where it is unknown."""
    if texts <= _FEW_TEXTS:
        return 1
    if not slots:
        return -(-texts // min(TEXTS_PER_CALL, max(_LEAST_TEXTS, texts // _GPU_PARTITIONS)))
    return slots * -(-texts // (slots * _TEXTS_A_PARTITION))


def _by_workers(workspace: Workspace, source: EncoderSource) -> Vectors:
    embed, slots = embed_udf(source), 0 if source.uses_gpu else parallelism(workspace)

    def make(texts: DataFrame, count: int) -> DataFrame:
        spread = texts.repartition(partitions(count, slots))
        return spread.select("text_hash", embed("embedded_text").alias("embedding"))

    return make


def _in_this_process(workspace: Workspace, model: EmbeddingModel, source: EncoderSource) -> Vectors:
    # A worker has one core; this process uses all of them.
    encoder = (replace(source, threads=0) if isinstance(source, OpenVinoSource) else source).load(CPU)
    encode = _requested if model.is_endpoint else _encoded

    def make(texts: DataFrame, count: int) -> DataFrame:
        rows = texts.select("text_hash", "embedded_text").toPandas()
        found = zip(rows["text_hash"], encode(encoder, list(rows["embedded_text"])), strict=True)
        return workspace.spark.createDataFrame(list(found), "text_hash STRING, embedding ARRAY<FLOAT>")

    return make


def _encoded(encoder: Encoder, texts: list[str]) -> list[list[float]]:
    found: list[list[float]] = encoder.encode_documents(texts).tolist()
    return found


def _requested(encoder: Encoder, texts: list[str]) -> list[list[float]]:
    """The vectors in the texts' order. After a failure, pending requests are canceled."""
    with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
        pending = [pool.submit(encoder.encode_documents, texts[rows]) for rows in requests(texts)]
        try:
            return list(chain.from_iterable(one.result().tolist() for one in pending))
        finally:
            pool.shutdown(cancel_futures=True)
