from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.quality.statistics.correction import Labelled, prediction_powered, rogan_gladen
from ragops.quality.statistics.intervals import mean_interval


def names(count: int, prefix: str = "") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def labelled(both: int, judge: int, people: int, none: int) -> Labelled:
    """Labelled answers by who calls them good, each in a cluster of its own."""
    said = [1.0] * (both + judge) + [0.0] * (people + none)
    true = [1.0] * both + [0.0] * judge + [1.0] * people + [0.0] * none
    return Labelled(said, true, names(len(said)))


def verdicts(good: int, count: int) -> tuple[Sequence[bool], list[str]]:
    return [number < good for number in range(count)], names(count, "other ")


def test_a_lenient_judges_rate_is_corrected_downwards() -> None:
    """Sensitivity 1, specificity 0.6: of 0.82 called good, (0.82 + 0.6 - 1) / (1 + 0.6 - 1) = 0.7 are."""
    found = rogan_gladen(*verdicts(779, 950), labelled(25, 10, 0, 15))
    assert found.mean == pytest.approx(((779 + 35) / 1000 + 0.6 - 1) / 0.6)
    powered = prediction_powered(*verdicts(779, 950), labelled(25, 10, 0, 15))
    assert 0.5 < powered.mean < 0.82 and powered.low < 0.68 < powered.high


def test_the_weight_is_that_of_the_papers_closed_form() -> None:
    known = labelled(25, 10, 0, 15)
    said, clusters = verdicts(700, 950)
    score, label = np.array(known.judge), np.array(known.people)
    every = np.concatenate([score, np.array(said, np.float64)])
    weight = np.cov(score, label, ddof=0)[0, 1] / every.var() * 950 / 1000
    expected = label.mean() + weight * (np.mean(said) - score.mean())
    assert prediction_powered(said, clusters, known).mean == pytest.approx(expected)


def test_a_good_judge_narrows_the_interval_of_the_labels_and_a_coin_does_not() -> None:
    good, coin = labelled(33, 2, 2, 13), labelled(18, 7, 17, 8)
    alone = mean_interval(good.people, good.clusters)
    narrow, wide = (prediction_powered(*verdicts(700, 1000), one) for one in (good, coin))
    assert narrow.high - narrow.low < 0.7 * (alone.high - alone.low)
    assert wide.high - wide.low == pytest.approx(alone.high - alone.low, rel=0.15)


def test_without_other_answers_it_is_the_labels_mean_and_without_labels_unknown() -> None:
    known = labelled(20, 5, 5, 20)
    assert prediction_powered([], [], known) == pytest.approx(mean_interval(known.people, known.clusters))
    for method in (prediction_powered, rogan_gladen):
        nothing = method(*verdicts(5, 9), Labelled([], [], []))
        assert np.isnan(nothing.mean) and np.isnan(nothing.low) and nothing.clusters == 0


def test_a_judge_no_better_than_chance_has_no_corrected_rate() -> None:
    assert np.isnan(rogan_gladen(*verdicts(5, 9), labelled(10, 10, 10, 10)).mean)


def test_only_clusters_with_labels_count() -> None:
    assert prediction_powered(*verdicts(700, 1000), labelled(20, 5, 5, 20)).clusters == 50


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 9), min_size=4, max_size=4), st.integers(0, 40))
def test_corrected_rates_and_their_bounds_are_shares(cells: list[int], good: int) -> None:
    for method in (prediction_powered, rogan_gladen):
        found = method(*verdicts(good, 40), labelled(*cells))
        assert np.isnan(found.mean) or 0 <= found.low <= found.high <= 1


def test_a_judge_that_may_be_no_better_than_chance_leaves_every_rate_possible() -> None:
    found = rogan_gladen(*verdicts(600, 1000), labelled(14, 9, 11, 10))
    assert (found.low, found.high) == (0, 1) and not np.isnan(found.mean)
