from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ragops.quality.statistics import intervals
from ragops.quality.statistics.intervals import (
    FEWEST_CLUSTERS,
    difference_interval,
    mean_interval,
    share_interval,
    unseen,
)

VALUES = st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcd")), min_size=1, max_size=30)


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@settings(deadline=None)
@given(VALUES)
def test_the_interval_contains_the_mean_and_is_reproducible(rows: list[tuple[float, str]]) -> None:
    values, clusters = np.array([value for value, _ in rows]), [cluster for _, cluster in rows]
    found = mean_interval(values, clusters)
    assert found.mean == pytest.approx(values.mean())
    assert values.min() - 1e-9 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= values.max() + 1e-9
    assert mean_interval(values, clusters) == found


@settings(deadline=None)
@given(VALUES, st.randoms())
def test_neither_the_order_nor_the_names_of_clusters_change_the_mean(
    rows: list[tuple[float, str]], random: Random
) -> None:
    shuffled = random.sample(rows, len(rows))
    first = mean_interval(*zip(*rows, strict=True))
    second = mean_interval(*zip(*shuffled, strict=True))
    assert second == pytest.approx(first, abs=1e-9)


def test_with_one_question_a_cluster_it_is_bca_with_wider_quantiles() -> None:
    """Of 60 clusters the quantiles are those of t times sqrt(60 / 59): 4 % wider than the normal ones."""
    values = np.random.default_rng(1).beta(8, 1, 60)
    found = mean_interval(values, names(60))
    plain = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(2))
    low, high = plain.confidence_interval
    ratio = (60 / 59) ** 0.5 * stats.t.ppf(0.975, 59) / stats.norm.ppf(0.975)
    assert found.high - found.low == pytest.approx(ratio * (high - low), rel=0.03)
    assert found.low < low and found.high > high
    assert values.mean() - found.low > found.high - values.mean()  # skewed as the values are


def test_correlated_questions_widen_the_interval() -> None:
    """Ten clusters of ten equal values are ten observations, not a hundred."""
    of_cluster = np.random.default_rng(3).random(10)
    values, clusters = np.repeat(of_cluster, 10), np.repeat(names(10), 10).tolist()
    clustered, single = mean_interval(values, clusters), mean_interval(values, names(100))
    assert (clustered.high - clustered.low) > 2 * (single.high - single.low)
    assert clustered.low == pytest.approx(mean_interval(of_cluster, names(10)).low, abs=1e-9)


def test_many_clusters_have_the_interval_of_students_t(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(4).random(200)
    resampled = mean_interval(values, names(200))
    monkeypatch.setattr(intervals, "MANY_CLUSTERS", 100)
    found = mean_interval(values, names(200))
    low, high = stats.t.interval(0.95, 199, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.high - found.low == pytest.approx(resampled.high - resampled.low, rel=0.03)


def test_differences_have_the_interval_of_a_paired_t_test() -> None:
    values = np.random.default_rng(7).normal(0.1, 0.3, 30)
    found = difference_interval(values, names(30))
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 29, values.mean(), stats.sem(values)))
    every_twice = difference_interval(np.repeat(values, 2), np.repeat(names(30), 2).tolist())
    assert every_twice == pytest.approx(found)


def test_a_few_gains_without_a_loss_leave_doubt() -> None:
    """Three better answers of 50: BCa, whose resamples contain no loss, would be sure of a gain."""
    differences = np.array([1.0] * 3 + [0.0] * 47)
    found = difference_interval(differences, names(50))
    assert found.low < 0 < mean_interval(differences, names(50)).low and found.sign == 0


@pytest.mark.parametrize(("value", "sign", "verdict"), [(1.0, 1, "better"), (-1.0, -1, "worse"), (0.0, 0, "")])
def test_a_difference_over_few_clusters_is_never_significant(value: float, sign: int, verdict: str) -> None:
    known = names(FEWEST_CLUSTERS)
    found = difference_interval(np.full(6, value), known)
    assert (found.sign, found.verdict) == (sign, verdict)
    few = difference_interval(np.full(6, value), [*known[:-1], known[0]])
    assert (few.low, few.high, few.sign, few.clusters) == (value, value, 0, FEWEST_CLUSTERS - 1)


@pytest.mark.parametrize("all_good", [True, False])
def test_a_share_without_any_exception_has_the_exact_bound(all_good: bool) -> None:
    found = share_interval(np.full(50, float(all_good)), names(50))
    exact = stats.binomtest(50 * all_good, 50).proportion_ci(0.95, "exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert found.mean == float(all_good)
    assert unseen(50) == pytest.approx(1 - stats.binomtest(50, 50).proportion_ci(0.95, "exact").low)


def test_other_shares_have_the_interval_of_a_mean() -> None:
    values = [1.0, 0.0, 1.0, 1.0, 0.5, 0.0, 1.0]
    assert share_interval(values, names(7)) == mean_interval(values, names(7))


def test_no_values_have_no_mean_and_one_cluster_has_no_width() -> None:
    assert np.isnan(mean_interval(np.zeros(0), []).mean) and np.isnan(share_interval([], []).low)
    assert mean_interval([0.2, 0.4], ["a", "a"]) == pytest.approx((0.3, 0.3, 0.3, 1))
