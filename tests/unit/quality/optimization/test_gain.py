"""By how much instructions are better on the questions held back, and whether that is more than chance."""

import pytest

from ragops.quality.evaluation.comparison import Tried
from ragops.quality.optimization.optimize import Optimized
from tests.support.evaluations import tried


def found(own: Tried, better: Tried | None) -> Optimized:
    return Optimized(own, better, own.template, (0.5, 0.9), None, ())


def test_a_gain_over_many_topics_is_sure_and_one_over_few_is_not() -> None:
    many = found(tried("brief", [0.0] * 8), tried("brief", [1.0] * 8))
    assert many.gain is not None and many.gain.mean == pytest.approx(0.5) and many.is_sure
    few = found(tried("brief", [0.0] * 5), tried("brief", [1.0] * 5))
    assert few.gain is not None and few.gain.mean == pytest.approx(0.5) and not few.is_sure


def test_what_fails_is_worth_nothing() -> None:
    """Six answers as good as before, and six that do not come any more."""
    worse = found(tried("brief", [0.0] * 12), tried("brief", [0.0] * 6, failed=6))
    assert worse.gain is not None and worse.gain.mean == pytest.approx(-0.25) and not worse.is_sure


def test_a_question_that_failed_before_tells_nothing() -> None:
    same = found(tried("brief", [1.0] * 6, failed=6), tried("brief", [1.0] * 12))
    assert same.gain is not None and (same.gain.mean, same.gain.clusters) == (0.0, 6)


def test_nothing_better_has_no_gain() -> None:
    assert found(tried("brief", [1.0] * 6), None).gain is None
