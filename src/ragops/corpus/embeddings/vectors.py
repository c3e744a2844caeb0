"""Vectors of a table's texts, in slices: made by Spark's workers, or here, where an endpoint is asked.

Functions in workers have neither a network nor credentials on serverless compute, so no endpoint is asked there. Where
it is asked does not matter for speed: many requests are under way, and the server is what limits them. Nor have workers
there room for a model.
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
"""Texts in a slice that CPUs embed: of a large model they make a few vectors a second."""
TEXTS_HERE = 8192
"""Texts in a slice that is made here: their vectors go to Spark in one message, which has 128 MB at most."""
_REQUESTS_AT_ONCE = 8
# As many rounds of partitions as there are cores keep all of them busy: 3 partitions on 2 cores take as long as 4. More
# than this in one partition, and a lost task costs too much.
_TEXTS_A_PARTITION = 8192
# So few are embedded sooner than a second worker has started and loaded the model.
_FEW_TEXTS = 64
# Cores do not tell how many tasks run at a time on GPUs. There a partition is one call of the encoder, or a part of one
# where that leaves few for many GPUs.
_GPU_PARTITIONS = 16
_LEAST_TEXTS = 1024

Vectors = Callable[["DataFrame", int], "DataFrame"]
"""Rows (text_hash, embedding) of about so many texts."""


def vectors(
    workspace: Workspace,
    texts: DataFrame,
    count: int,
    model: EmbeddingModel,
    source: EncoderSource,
    most: int = TEXTS_A_SLICE,
) -> Iterator[DataFrame]:
    """Frames (text_hash, embedding, embedded_at), to be merged one after the other: what was merged is kept.

    Args:
        workspace: where they are made.
        texts: rows (text_hash, embedded_text), each hash once; the frame may lack what was merged.
        count: how many there are.
        model: the embedding model.
        source: its encoder's recipe.
        most: about how many texts a frame has at most. Their hashes tell in which they are.

    Raises:
        UserError: the endpoint gives no vectors.
    """
    here = model.is_endpoint or on_serverless()
    make = _made_here(workspace, model, source) if here else _made_by_workers(workspace, source)
    slices = -(-count // min(most, TEXTS_HERE if here else most if source.uses_gpu else TEXTS_ON_CPUS))
    for number in range(slices):
        part = texts.where(F.pmod(F.xxhash64("text_hash"), F.lit(slices)) == number)
        yield make(part, -(-count // slices)).withColumn("embedded_at", F.current_timestamp())


def partitions(texts: int, slots: int) -> int:
    """How many tasks embed so many texts. `slots`: how many run at a time; 0 on GPUs, where that is not known."""
    if texts <= _FEW_TEXTS:
        return 1
    if not slots:
        return -(-texts // min(TEXTS_PER_CALL, max(_LEAST_TEXTS, texts // _GPU_PARTITIONS)))
    return slots * -(-texts // (slots * _TEXTS_A_PARTITION))


def _made_by_workers(workspace: Workspace, source: EncoderSource) -> Vectors:
    embed, slots = embed_udf(source), 0 if source.uses_gpu else parallelism(workspace)

    def make(texts: DataFrame, count: int) -> DataFrame:
        spread = texts.repartition(partitions(count, slots))
        return spread.select("text_hash", embed("embedded_text").alias("embedding"))

    return make


def _made_here(workspace: Workspace, model: EmbeddingModel, source: EncoderSource) -> Vectors:
    # A worker has one core; here is one process for all of them.
    encoder = (replace(source, threads=0) if isinstance(source, OpenVinoSource) else source).load(CPU)
    encode = _asked if model.is_endpoint else _encoded

    def make(texts: DataFrame, count: int) -> DataFrame:
        rows = texts.select("text_hash", "embedded_text").toPandas()
        found = zip(rows["text_hash"], encode(encoder, list(rows["embedded_text"])), strict=True)
        return workspace.spark.createDataFrame(list(found), "text_hash STRING, embedding ARRAY<FLOAT>")

    return make


def _encoded(encoder: Encoder, texts: list[str]) -> list[list[float]]:
    found: list[list[float]] = encoder.encode_documents(texts).tolist()
    return found


def _asked(encoder: Encoder, texts: list[str]) -> list[list[float]]:
    """The vectors in the texts' order. After a failure no request that has not begun is sent."""
    with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
        asked = [pool.submit(encoder.encode_documents, texts[rows]) for rows in requests(texts)]
        try:
            return list(chain.from_iterable(one.result().tolist() for one in asked))
        finally:
            pool.shutdown(cancel_futures=True)
