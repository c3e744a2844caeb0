"""Two-sample tests by permutation: exact under the null hypothesis, and sure of a difference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.monitoring.checks.permutation import distribution_shift, mean_shift, share_shift, vector_shift

CHANCE = np.random.default_rng(5)


@pytest.mark.parametrize("test", ["mean", "distribution", "vector", "share"])
def test_equal_windows_are_called_different_as_rarely_as_the_level_says(test: str) -> None:
    levels = []
    for _ in range(300):
        blocks = CHANCE.lognormal(0, 1, (60, 3))  # skewed, and few
        recent, baseline = blocks[:12], blocks[12:]
        levels.append(
            {
                "mean": lambda r, b: mean_shift(r[:, 0], b[:, 0]),
                "distribution": lambda r, b: distribution_shift(r[:, 0], b[:, 0])[1],
                "vector": vector_shift,
                "share": lambda r, b: share_shift(r, b)[1],
            }[test](recent, baseline)
        )
    assert 0.05 <= np.mean(np.array(levels) <= 0.1) <= 0.15
    assert np.mean(np.array(levels) <= 0.01) <= 0.03


def test_a_difference_is_significant_at_the_level_of_a_whole_run() -> None:
    before, now = CHANCE.normal(0, 1, (300, 4)), CHANCE.normal(2, 1, (30, 4))
    assert mean_shift(now[:, 0], before[:, 0], "more") < 1e-4 < 0.9 < mean_shift(now[:, 0], before[:, 0], "less")
    assert distribution_shift(now[:, 0], before[:, 0])[1] < 1e-4
    assert vector_shift(now, before) < 1e-4
    grown = np.column_stack([CHANCE.random(330) < 0.5, np.r_[np.ones(30), CHANCE.random(300) < 0.1]]).astype(float)
    number, p_value = share_shift(grown[:30], grown[30:])
    assert (number, p_value < 1e-4) == (1, True)


def test_few_blocks_are_never_sure() -> None:
    assert mean_shift(np.ones(2), np.zeros(8), "more") == pytest.approx(1 / 45, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=12), st.floats(0.1, 9))
def test_a_scale_changes_nothing_and_values_may_all_be_equal(values: list[float], scale: float) -> None:
    recent, baseline = np.array(values[:1]), np.array(values[1:])
    first = mean_shift(recent, baseline, "more")
    assert 0 < first <= 1
    assert mean_shift(np.full(3, 2.0), np.full(5, 2.0)) == 1
    assert distribution_shift(scale * recent, scale * baseline)[0] == pytest.approx(
        distribution_shift(recent, baseline)[0]
    )
