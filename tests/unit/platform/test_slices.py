"""Slices, and rows made without Spark's workers: the frames here have none."""

import os
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.platform import processes, slices
from ragops.platform.slices import every, map_rows, portions
from ragops.platform.tables import Column, Table

NUMBERS = Table(
    "numbers", "", "number", (Column("number", "INT", ""), Column("twice", "INT", ""), Column("made_by", "INT", ""))
)


@given(st.lists(st.integers(0, 100)), st.integers(1, 9), st.integers(0, 150))
def test_portions_keep_the_order_and_respect_length_and_weight(items: list[int], most: int, heaviest: int) -> None:
    found = list(portions(items, most, lambda item: item, heaviest))
    assert [item for portion in found for item in portion] == items
    assert all(len(portion) == 1 or (1 < len(portion) <= most and sum(portion) <= heaviest) for portion in found)
    for portion, following in zip(found, found[1:], strict=False):
        assert len(portion) == most or sum(portion) + following[0] > heaviest


def test_items_are_consumed_lazily() -> None:
    items = iter(range(100))
    assert next(portions(items, 10)) == list(range(10))
    assert next(items) <= 11


def test_a_portion_that_is_due_ends_early() -> None:
    clock = iter([0, 4, 9, 10, 10, 19, 21, 21])
    assert list(portions("abcde", 9, is_due=every(10, lambda: next(clock)))) == [["a", "b", "c"], ["d", "e"]]


class Frame:
    """A Spark frame that can only be converted to pandas and back."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    @property
    def sparkSession(self) -> "Frame":  # noqa: N802 - Spark's name
        return self

    def toPandas(self) -> pd.DataFrame:  # noqa: N802 - Spark's name
        return pd.DataFrame({"number": range(self._rows)})

    def createDataFrame(self, made: Any, schema: str) -> Any:  # noqa: N802, ANN401 - Spark's name
        return made


def doubled(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        yield batch.assign(twice=2 * batch["number"], made_by=os.getpid())


@pytest.mark.parametrize("rows", [1, 16, 17, 100])
def test_on_serverless_rows_are_made_by_this_process_and_its_children(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "on_serverless", lambda: True)
    monkeypatch.setattr(processes, "process_count", lambda: 2)
    made: Any = map_rows(Frame(rows), rows, doubled, NUMBERS)  # type: ignore[arg-type]
    assert list(made["number"]) == list(range(rows))
    assert list(made["twice"]) == [2 * number for number in range(rows)]
    assert (set(made["made_by"]) == {os.getpid()}) == (rows <= 16)


def test_without_rows_the_result_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "on_serverless", lambda: True)
    made: Any = map_rows(Frame(0), 0, lambda batches: iter([]), NUMBERS)  # type: ignore[arg-type]
    assert made == []
