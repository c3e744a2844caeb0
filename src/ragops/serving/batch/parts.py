"""Rows in parts that fit in this process: few rows, the usual case of a batch that goes on, take one query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row


def in_parts(rows: DataFrame, most: int) -> tuple[int, Iterator[list[Row]]]:
    """The number of rows, and the rows in parts.

    Args:
        rows: with a column `request_id`. It is read again for each part, so that rows which are done meanwhile may be
            missing from it.
        most: rows in a part, about.
    """
    first = rows.limit(most + 1).collect()
    if len(first) <= most:
        return len(first), iter([first] if first else [])
    count = rows.count()
    parts = -(-count // most)
    numbered = F.pmod(F.xxhash64("request_id"), F.lit(parts))
    return count, (rows.where(numbered == number).collect() for number in range(parts))
