import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from ragops.quality.statistics.paired import adjusted, mcnemar, paired, sign_flip, wilcoxon

RNG = np.random.default_rng(5)
SCORES = RNG.normal(0.1, 0.3, 40).round(3)


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@pytest.mark.parametrize(("better", "worse"), [(9, 2), (3, 3), (0, 5), (30, 12)])
def test_mcnemars_test_agrees_with_statsmodels(better: int, worse: int) -> None:
    differences = np.array([1.0] * better + [-1.0] * worse + [0.0] * 10)
    table = [[5, better], [worse, 5]]
    assert mcnemar(differences) == pytest.approx(reference_mcnemar(table, exact=True).pvalue)


def test_wilcoxons_test_ignores_questions_without_a_difference() -> None:
    assert wilcoxon(np.append(SCORES, [0.0, 0.0])) == pytest.approx(stats.wilcoxon(SCORES).pvalue)
    assert wilcoxon(np.zeros(3)) == 1.0


@pytest.mark.parametrize("p_values", [[0.3], [0.04, 0.01, 0.03], [0.001, 0.4, 0.4, 0.02, 1.0, 0.009]])
def test_holms_correction_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert adjusted(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())


@given(st.lists(st.floats(0, 1), max_size=12))
def test_adjusted_p_values_keep_their_order_and_never_fall(p_values: list[float]) -> None:
    found = adjusted(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, found, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(found)[order]) >= 0)


def test_the_sign_flip_test_agrees_with_scipy_where_it_is_exact() -> None:
    few = SCORES[:10]
    reference = stats.permutation_test((few,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(few) == pytest.approx(reference.pvalue)


def test_the_sign_flip_test_of_many_clusters_is_sampled_and_close_to_students_t() -> None:
    assert sign_flip(SCORES) == pytest.approx(stats.ttest_1samp(SCORES, 0).pvalue, abs=0.01)
    assert sign_flip(SCORES) == sign_flip(SCORES)
    assert sign_flip(np.ones(300)) == pytest.approx(1e-4)  # the least that 9,999 samples can show


@pytest.mark.parametrize(("clusters", "least"), [(0, 1.0), (1, 1.0), (5, 2 / 32), (6, 2 / 64)])
def test_five_clusters_that_agree_are_not_significant_and_six_are(clusters: int, least: float) -> None:
    assert sign_flip(np.ones(clusters)) == least


def test_questions_of_one_document_count_as_one() -> None:
    """50 questions that are all better, in five documents: McNemar's test is certain, five signs are not."""
    found = paired(np.ones(50), np.zeros(50), [str(number % 5) for number in range(50)])
    assert found.p_value == 2 / 32 and found.test == "McNemar" and found.test_p_value < 1e-14
    assert (found.n, found.discordant, found.difference.clusters) == (50, 50, 5)


def test_a_comparison_is_symmetric() -> None:
    own, others, clusters = RNG.random(30), RNG.random(30), [str(number // 3) for number in range(30)]
    there, back = paired(own, others, clusters), paired(others, own, clusters)
    assert there.p_value == back.p_value and there.test == "Wilcoxon" and there.test_p_value == back.test_p_value
    assert there.difference.mean == pytest.approx(-back.difference.mean)
    assert there.effect_size == pytest.approx(-back.effect_size)
    assert there.detectable == pytest.approx(back.detectable)


def test_effect_size_and_detectable_difference_agree_with_a_paired_t_test() -> None:
    found = paired(SCORES, np.zeros(40), names(40))
    deviation = SCORES.std(ddof=1)
    assert found.effect_size == pytest.approx(SCORES.mean() / deviation)
    reference = TTestPower().solve_power(nobs=40, alpha=0.05, power=0.8) * deviation
    assert found.detectable == pytest.approx(reference, rel=0.02)  # t + t for a noncentral t


def test_where_nothing_differs_six_questions_would_have_to() -> None:
    found = paired(np.ones(60), np.ones(60), names(60))
    assert (found.p_value, found.test_p_value, found.effect_size, found.discordant) == (1, 1, 0, 0)
    assert found.detectable == pytest.approx(6 / 60)
    assert paired(np.ones(6), np.zeros(6), names(6)).effect_size == np.inf


def test_a_comparison_of_nothing_finds_nothing() -> None:
    found = paired([], [], [])
    assert found.n == 0 and found.p_value == 1 and np.isnan(found.difference.mean) and np.isnan(found.detectable)
