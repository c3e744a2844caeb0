"""Whether a count fits those before it."""

import numpy as np
import pytest

from ragops.monitoring.checks.counts import count_shift


def test_a_count_among_the_others_is_expected() -> None:
    found = count_shift(100, [90, 110, 105, 95, 100, 40, 45, 92, 108, 101, 99, 103, 42, 44])
    assert found is not None and found[0] == pytest.approx(80, abs=10) and found[1] > 0.3


@pytest.mark.parametrize("count", [0, 800])
def test_another_count_is_not(count: float) -> None:
    found = count_shift(count, [90, 110, 105, 95, 100, 98, 104, 92, 108, 101, 99, 103, 97, 94])
    assert found is not None and found[1] < 1e-4


def test_few_periods_say_nothing_and_time_before_the_first_use_does_not_count() -> None:
    assert count_shift(9, [1, 2, 3]) is None
    assert count_shift(9, [9, 8, 9, 8, 9, 0, 0, 0]) is None
    long, short = count_shift(9, [9, 8, 9, 8, 9, 9, 8, 0, 0, 0]), count_shift(9, [9, 8, 9, 8, 9, 9, 8])
    assert long == short


def test_poisson_counts_are_rarely_called_other_ones() -> None:
    chance = np.random.default_rng(1)
    for mean in (2, 20, 300):
        drawn = chance.poisson(mean, (2000, 15))
        levels = np.array([(count_shift(row[0], row[1:]) or (0, 1))[1] for row in drawn])
        assert (levels <= 0.01).mean() <= 0.02 and (levels <= 1e-4).mean() <= 0.001
