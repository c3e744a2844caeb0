"""Slices, and rows that are made without Spark's workers: the frames here know no others."""

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
def test_portions_are_the_items_in_order_none_too_long_or_heavy(items: list[int], most: int, heaviest: int) -> None:
    found = list(portions(items, most, lambda item: item, heaviest))
    assert [item for portion in found for item in portion] == items
    assert all(len(portion) == 1 or (1 < len(portion) <= most and sum(portion) <= heaviest) for portion in found)
    for portion, following in zip(found, found[1:], strict=False):
        assert len(portion) == most or sum(portion) + following[0] > heaviest


def test_items_are_taken_only_as_they_are_needed() -> None:
    items = iter(range(100))
    assert next(portions(items, 10)) == list(range(10))
    assert next(items) <= 11


def test_what_is_due_does_not_wait_for_more() -> None:
    clock = iter([0, 4, 9, 10, 10, 19, 21, 21])
    assert list(portions("abcde", 9, is_due=every(10, lambda: next(clock)))) == [["a", "b", "c"], ["d", "e"]]


class Frame:
    """A frame of Spark where functions are not to run in workers."""

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
def test_on_serverless_this_process_and_its_children_make_the_rows(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "on_serverless", lambda: True)
    monkeypatch.setattr(processes, "process_count", lambda: 2)
    made: Any = map_rows(Frame(rows), rows, doubled, NUMBERS)  # type: ignore[arg-type]
    assert list(made["number"]) == list(range(rows))
    assert list(made["twice"]) == [2 * number for number in range(rows)]
    assert (set(made["made_by"]) == {os.getpid()}) == (rows <= 16)


def test_without_rows_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "on_serverless", lambda: True)
    made: Any = map_rows(Frame(0), 0, lambda batches: iter([]), NUMBERS)  # type: ignore[arg-type]
    assert made == []
