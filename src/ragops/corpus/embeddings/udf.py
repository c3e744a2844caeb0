"""The pandas UDF that embeds a column of texts on Spark's workers."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from ragops.corpus.embeddings.gpus import task_device
from ragops.corpus.embeddings.interface import CPU, Device, Encoder, EncoderSource

if TYPE_CHECKING:
    from pyspark.sql import Column

# Texts in one call of the encoder, which sorts them by length, so large calls need little padding.
TEXTS_PER_CALL = 4096

# A Spark worker process runs one task after another, on changing GPUs; each device gets its own model.
_loaded: dict[tuple[EncoderSource, Device], Encoder] = {}


def embed_udf(source: EncoderSource, texts_per_call: int = TEXTS_PER_CALL) -> "Callable[[str | Column], Column]":
    """Returns a Spark function from a column of texts, without nulls, to a column of vectors (array<float>).

    It works with Spark Connect. It is declared nondeterministic, so that Spark evaluates it once if a plan uses its
    result several times, and MERGE materializes its source instead of recomputing it in each of its passes. There
    should be at least as many partitions as cores or GPUs, of some thousand texts each.
    """
    from pyspark.sql.pandas.functions import pandas_udf

    # Cloudpickle copies this inner function to the workers, with the globals it names; functions that it calls are
    # imported there, so that the cache of encoders is the worker's own.
    def embed(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        return embed_batches(source, batches, texts_per_call)

    untyped: Any = pandas_udf  # its type stubs cover only calls with functionType, which is deprecated
    function: Callable[[str | Column], Column] = untyped(embed, "array<float>").asNondeterministic()
    return function


def embed_batches(source: EncoderSource, batches: Iterator[pd.Series], texts_per_call: int) -> Iterator[pd.Series]:
    """Embeds Arrow batches of texts, joined to calls of at least `texts_per_call`; vectors are in the texts' order."""
    encoder = loaded_encoder(source)
    for texts in gathered(batches, texts_per_call):
        yield pd.Series(list(encoder.encode_documents(texts)), dtype=object)


def gathered(batches: Iterator[pd.Series], size: int) -> Iterator[list[str]]:
    """Joins small batches until a group has at least `size` texts; the last group may be smaller, and none is empty."""
    group: list[str] = []
    for batch in batches:
        group.extend(batch)
        if len(group) >= size:
            yield group
            group = []
    if group:
        yield group


def loaded_encoder(source: EncoderSource) -> Encoder:
    """Returns this process's encoder for `source` on the current task's device, loading it on first use."""
    device = task_device() if source.uses_gpu else CPU
    if (source, device) not in _loaded:
        for key in [key for key in _loaded if key[0] != source]:
            del _loaded[key]  # the model of an earlier run must not stay in memory
        _loaded[source, device] = source.load(device)
    return _loaded[source, device]
