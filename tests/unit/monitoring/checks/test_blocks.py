"""Windows as blocks: a person in a period."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ragops.monitoring.checks.blocks import blocks, periods, recent
from tests.support.monitored import NOW, an_empty_system

SYSTEM = an_empty_system()


def a_frame(*rows: tuple[str, float]) -> pd.DataFrame:
    times = pd.DatetimeIndex([NOW - timedelta(hours=hours) for _, hours in rows])
    return pd.DataFrame({"who": [who for who, _ in rows], "asked_at": times})


def test_a_period_is_as_long_as_the_recent_window() -> None:
    frame = a_frame(("a", 0), ("a", 24), ("a", 24.1), ("a", 48), ("a", 71), ("a", 73))
    assert periods(SYSTEM, frame["asked_at"]).tolist() == [0, 0, 1, 1, 2, 3]
    assert len(recent(SYSTEM, frame)) == 1


def test_a_person_counts_once_in_a_period_however_much_is_asked() -> None:
    frame = a_frame(("a", 30), ("a", 31), ("a", 60), ("b", 31), *[("a", 1 + n / 100) for n in range(50)], ("b", 2))
    values = np.array([1, 0, 1, 0] + [1] * 50 + [0], float)
    found = blocks(SYSTEM, frame, values)
    assert sorted(found.recent) == [0, 1] and sorted(found.baseline) == [0, 0.5, 1]
    assert (found.now, found.before, found.rows) == (0.5, 0.5, 51)
    assert (np.diff(found.times) >= 0).all()


def test_rows_without_a_value_do_not_count_and_vectors_are_averaged() -> None:
    frame = a_frame(("a", 1), ("a", 2), ("b", 30))
    found = blocks(SYSTEM, frame, np.array([[1.0, 2.0], [3.0, 4.0], [5.0, np.nan]]))
    assert (found.recent.tolist(), found.baseline.shape, found.is_comparable) == ([[2.0, 3.0]], (0, 2), False)
    nothing = blocks(SYSTEM, frame[:0], np.zeros(0))
    assert (nothing.is_comparable, nothing.values.shape) == (False, (0,))


def test_a_column_of_whole_numbers_may_be_given() -> None:
    assert blocks(SYSTEM, a_frame(("a", 1)), pd.Series([3])).now == pytest.approx(3)
