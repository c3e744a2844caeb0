import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ragops.answers.chain.abstention import calibrate, measure_threshold

SCORES = st.lists(st.integers(0, 100).map(lambda n: n / 100), min_size=1, max_size=30)


@given(SCORES, SCORES)
def test_calibration_keeps_enough_answers_and_its_area_is_scikit_learns(good: list[float], bad: list[float]) -> None:
    threshold = calibrate(good, bad, keep=0.8)
    assert threshold.answered >= 0.8
    labels = [1] * len(good) + [0] * len(bad)
    assert threshold.area == pytest.approx(roc_auc_score(labels, good + bad))
    # No other threshold that answers as many refuses more.
    for other in {*good, *bad}:
        if (np.array(good) >= other).mean() >= 0.8:
            assert threshold.refused >= (np.array(bad) < other).mean()


def test_separable_evidence_gives_a_perfect_threshold() -> None:
    threshold = calibrate([0.6, 0.7, 0.8], [0.1, 0.2, 0.5])
    assert (threshold.value, threshold.answered, threshold.refused, threshold.area) == (0.6, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(("good", "bad"), [([], [0.1]), ([0.1], [])])
def test_questions_of_both_kinds_are_required(good: list[float], bad: list[float]) -> None:
    with pytest.raises(ValueError, match="with and without an answer"):
        calibrate(good, bad)


def test_a_given_threshold_is_measured() -> None:
    threshold = measure_threshold(0.5, [0.4, 0.5, 0.6, 0.7], [0.4, 0.6])
    assert (threshold.answered, threshold.refused, threshold.area) == (0.75, 0.5, 0.625)
