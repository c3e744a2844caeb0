"""Exact search over a table of vectors: each worker finds the best of its rows, so that little data is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ragops.corpus.embeddings.interface import Vectors, normalized

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_BEST = "part STRING, question INT, text_hash STRING, score FLOAT"


def nearest(vectors: DataFrame, queries: Vectors, k: int) -> DataFrame:
    """The k best rows of each part for each query, as (part, question, text_hash, score, rank), rank from 1.

    Args:
        vectors: rows (part STRING, text_hash STRING, embedding ARRAY<FLOAT>).
        queries: shape (questions, dimension); a row's number is its `question`.
        k: the number of rows.

    Returns:
        Cosines as scores; at most parts * questions * k rows.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    order = Window.partitionBy("part", "question").orderBy(F.desc("score"), "text_hash")
    found = vectors.select("part", "text_hash", "embedding").mapInPandas(best_rows(normalized(queries), k), _BEST)
    return found.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= k)


def best_rows(queries: Vectors, k: int) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function that Spark runs over batches of vectors: the k best rows of each batch, part and query."""

    def search_batches(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            for part, rows in batch.groupby("part"):
                yield _best(str(part), rows, queries, k)

    return search_batches


def _best(part: str, rows: pd.DataFrame, queries: Vectors, k: int) -> pd.DataFrame:
    matrix = normalized(np.stack([np.asarray(row, dtype=np.float32) for row in rows["embedding"]]))
    scores = queries @ matrix.T
    kept = min(k, len(rows))
    best = np.argpartition(-scores, kept - 1, axis=1)[:, :kept]
    return pd.DataFrame(
        {
            "part": part,
            "question": np.repeat(np.arange(len(queries), dtype=np.int32), kept),
            "text_hash": rows["text_hash"].to_numpy()[best.ravel()],
            "score": np.take_along_axis(scores, best, axis=1).ravel(),
        }
    )
