"""Work in slices, each merged on its own: an interrupted run loses its current slice and no other.

Slow functions on whole documents run in Spark's workers or, where those have too little memory, in this process and
its children.
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
"""Where documents are processed in this process: rows go back to Spark in messages of at most 128 MB, and the output
for a document is up to three times as long."""
_FEW_ROWS = 16
_ROWS_A_PARTITION = 32

Item = TypeVar("Item")
MakeRows = Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]
"""A function for mapInPandas, from batches of rows to rows; the output for a row does not depend on other rows."""


def portions(
    items: Iterable[Item],
    most: int,
    weight: Callable[[Item], int] = lambda item: 0,
    heaviest: int = 0,
    is_due: Callable[[], bool] = lambda: False,
) -> Iterator[list[Item]]:
    """Splits items into lists, lazily and in order.

    Args:
        items: consumed only as needed.
        most: items in a list, at most.
        weight: the weight of an item.
        heaviest: weight of a list, at most; a single item may be heavier.
        is_due: called after each item; True ends the current list.
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
    """A function that returns True when `seconds` have passed since it last did."""
    last = [clock()]

    def is_due() -> bool:
        if clock() - last[0] < seconds:
            return False
        last[0] = clock()
        return True

    return is_due


def runs_here(rows: int) -> bool:
    """Whether work on `rows` rows runs in this process: few rows are done before a worker starts; all on serverless."""
    return rows <= _FEW_ROWS or on_serverless()


def document_slices(documents: DataFrame, workspace: Workspace, ids: Iterable[str], most: int) -> list[list[str]]:
    """Ids of `documents` (doc_id, markdown) in slices of at most `most`; one empty slice if there are none.

    They are sorted: a slice is a range of the column by which the tables are clustered.
    """
    ordered = sorted(ids)
    lengths: Mapping[str, int] = {}
    if on_serverless() and ordered:
        rows = of_documents(documents, workspace, ordered).selectExpr("doc_id", "length(markdown) AS length").collect()
        lengths = {row["doc_id"]: row["length"] for row in rows}
    return list(portions(ordered, most, lambda key: lengths.get(key, 0), CHARACTERS_A_SLICE)) or [[]]


def of_documents(rows: DataFrame, workspace: Workspace, ids: Sequence[str]) -> DataFrame:
    """The rows of some documents. Filters by their range too, which lets Delta skip files without them."""
    from pyspark.sql import functions as F

    wanted = ids_frame(workspace, "doc_id", ids)
    if ids:
        rows = rows.where(F.col("doc_id").between(min(ids), max(ids)))
    return rows.join(wanted, "doc_id", "left_semi")


def map_rows(source: DataFrame, rows: int, function: MakeRows, table: Table) -> DataFrame:
    """Applies a slow function to `source`, in Spark's workers or here.

    Args:
        source: the input.
        rows: their number.
        function: makes rows of `table`.
        table: whose schema the result has.

    Raises:
        UserError: a process was killed.
    """
    if not runs_here(rows):
        return map_in_workers(source, rows, function, table)
    given = source.toPandas()
    if rows <= _FEW_ROWS:
        made = list(function(iter([given])))
    else:
        batches = (given[start : start + _FEW_ROWS] for start in range(0, len(given), _FEW_ROWS))
        made = [frame for frames in in_processes(partial(_all, function), batches) for frame in frames]
    return source.sparkSession.createDataFrame(pd.concat(made) if made else [], table.schema)


def map_in_workers(source: DataFrame, rows: int, function: MakeRows, table: Table) -> DataFrame:
    """Like `map_rows`, always in Spark's workers; few rows get a partition each."""
    partitions = min(rows, max(_FEW_ROWS, -(-rows // _ROWS_A_PARTITION)))
    return source.repartition(partitions).mapInPandas(function, table.schema)


def _all(function: MakeRows, batch: pd.DataFrame) -> list[pd.DataFrame]:
    return list(function(iter([batch])))
