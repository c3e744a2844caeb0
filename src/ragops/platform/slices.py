"""Work in slices, each of them one MERGE: a run that is cut off loses the slice that it was at, and no other.

Rows that slow functions make from whole documents are made by Spark's workers, or, where those have too little memory,
in this process and children of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from ragops.platform.compute import on_serverless
from ragops.platform.merge import ids_frame
from ragops.platform.processes import in_processes
from ragops.platform.tables import Table
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

DOCUMENTS_A_SLICE = 2_000
CHARACTERS_A_SLICE = 16_000_000
"""Where documents come to this process: rows go back to Spark in messages of at most 128 MB, and what is made of a
document is up to three times as long."""
_FEW_ROWS = 16
_ROWS_A_PARTITION = 32

Item = TypeVar("Item")
MakeRows = Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]
"""A function from batches of rows to rows, as mapInPandas takes it; what it makes of a row depends on no other."""


def portions(
    items: Iterable[Item],
    most: int,
    weight: Callable[[Item], int] = lambda item: 0,
    heaviest: int = 0,
    is_due: Callable[[], bool] = lambda: False,
) -> Iterator[list[Item]]:
    """The items in lists of at most `most`, which weigh at most `heaviest` unless they hold one item only.

    Items are taken only as they are needed. After each it is asked whether a list is due, however short it is.
    """
    portion: list[Item] = []
    total = 0
    for item in items:
        total += weight(item)
        if portion and (len(portion) == most or total > heaviest):
            yield portion
            portion, total = [], weight(item)
        portion.append(item)
        if is_due():
            yield portion
            portion, total = [], 0
    if portion:
        yield portion


def every(seconds: float, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """True once in so many seconds."""
    last = [clock()]

    def is_due() -> bool:
        if clock() - last[0] < seconds:
            return False
        last[0] = clock()
        return True

    return is_due


def made_here(rows: int) -> bool:
    """Whether so many rows are made in this process: few are, sooner than a worker has started; on serverless all."""
    return rows <= _FEW_ROWS or on_serverless()


def document_slices(documents: DataFrame, workspace: Workspace, ids: Iterable[str], most: int) -> list[list[str]]:
    """Ids of `documents` (doc_id, markdown), in slices; one empty slice where there are none.

    They are sorted, so that a slice is a range of what the tables are clustered by.
    """
    ordered = sorted(ids)
    lengths: Mapping[str, int] = {}
    if on_serverless() and ordered:
        rows = of_documents(documents, workspace, ordered).selectExpr("doc_id", "length(markdown) AS length").collect()
        lengths = {row["doc_id"]: row["length"] for row in rows}
    return list(portions(ordered, most, lambda key: lengths.get(key, 0), CHARACTERS_A_SLICE)) or [[]]


def of_documents(rows: DataFrame, workspace: Workspace, ids: Sequence[str]) -> DataFrame:
    """The rows of some documents. Their range is named too, by which Delta passes over files that hold none of them."""
    from pyspark.sql import functions as F

    wanted = ids_frame(workspace, "doc_id", ids)
    if ids:
        rows = rows.where(F.col("doc_id").between(min(ids), max(ids)))
    return rows.join(wanted, "doc_id", "left_semi")


def map_rows(source: DataFrame, rows: int, function: MakeRows, table: Table) -> DataFrame:
    """`table`'s rows, made by `function` from `source`, which has so many rows, each of them slow.

    Raises:
        UserError: a process that made them was killed.
    """
    if not made_here(rows):
        return by_workers(source, rows, function, table)
    given = source.toPandas()
    if rows <= _FEW_ROWS:
        made = list(function(iter([given])))
    else:
        batches = (given[start : start + _FEW_ROWS] for start in range(0, len(given), _FEW_ROWS))
        made = [frame for frames in in_processes(partial(_all, function), batches) for frame in frames]
    return source.sparkSession.createDataFrame(pd.concat(made) if made else [], table.schema)


def by_workers(source: DataFrame, rows: int, function: MakeRows, table: Table) -> DataFrame:
    """The same, made by Spark's workers however few the rows are: a partition for each while these are few."""
    partitions = min(rows, max(_FEW_ROWS, -(-rows // _ROWS_A_PARTITION)))
    return source.repartition(partitions).mapInPandas(function, table.schema)


def _all(function: MakeRows, batch: pd.DataFrame) -> list[pd.DataFrame]:
    return list(function(iter([batch])))
