import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ragops.quality.evaluation.bootstrap import FEWEST_CLUSTERS, interval

VALUES = st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcd")), min_size=1, max_size=30)


@settings(deadline=None)
@given(VALUES)
def test_the_interval_contains_the_mean_and_is_reproducible(rows: list[tuple[float, str]]) -> None:
    values, clusters = np.array([value for value, _ in rows]), [cluster for _, cluster in rows]
    found = interval(values, clusters)
    assert found.mean == pytest.approx(values.mean())
    assert values.min() - 1e-9 <= found.low <= found.high <= values.max() + 1e-9
    assert interval(values, clusters) == found


def test_with_one_question_a_cluster_it_is_the_plain_bootstrap() -> None:
    values = np.random.default_rng(1).random(60)
    found = interval(values, [str(number) for number in range(60)])
    plain = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=5000, rng=np.random.default_rng(2))
    assert found.low == pytest.approx(plain.confidence_interval.low, abs=0.01)
    assert found.high == pytest.approx(plain.confidence_interval.high, abs=0.01)


def test_correlated_questions_widen_the_interval() -> None:
    """Ten clusters of ten equal values are ten observations, not a hundred."""
    of_cluster = np.random.default_rng(3).random(10)
    values, clusters = np.repeat(of_cluster, 10), np.repeat([str(n) for n in range(10)], 10).tolist()
    clustered, single = interval(values, clusters), interval(values, [str(n) for n in range(100)])
    assert (clustered.high - clustered.low) > 2 * (single.high - single.low)
    assert clustered.low == pytest.approx(interval(of_cluster, [str(n) for n in range(10)]).low, abs=1e-9)


def test_the_interval_covers_the_true_mean_in_95_percent_of_samples() -> None:
    rng, covered = np.random.default_rng(4), 0
    for _ in range(200):
        level = rng.normal(0.5, 0.1, 30)  # clusters differ, and questions in them
        values = (level[:, None] + rng.normal(0, 0.1, (30, 4))).ravel()
        found = interval(values, np.repeat([str(n) for n in range(30)], 4).tolist())
        covered += found.low <= 0.5 <= found.high
    assert 176 <= covered <= 198  # 95 % of 200, give or take four standard errors on the low side


@pytest.mark.parametrize(("value", "sign", "verdict"), [(1.0, 1, "better"), (-1.0, -1, "worse"), (0.0, 0, "")])
def test_a_difference_over_few_clusters_is_never_significant(value: float, sign: int, verdict: str) -> None:
    names = [str(number) for number in range(FEWEST_CLUSTERS)]
    found = interval(np.full(6, value), names)
    assert (found.sign, found.verdict) == (sign, verdict)
    few = interval(np.full(6, value), [*names[:-1], names[0]])
    assert (few.low, few.high, few.sign, few.clusters) == (value, value, 0, FEWEST_CLUSTERS - 1)


def test_the_mean_of_no_values_is_nan() -> None:
    assert np.isnan(interval(np.zeros(0), []).mean)
