"""The gain on the held-out questions, and whether it is significant."""

import pytest

from ragops.quality.evaluation.comparison import VariantResult
from ragops.quality.optimization.result import Optimized
from tests.support.evaluations import result


def found(own: VariantResult, better: VariantResult | None) -> Optimized:
    return Optimized(own, better, own.template, (0.5, 0.9), None, ())


def test_a_gain_over_many_topics_is_significant_and_one_over_few_is_not() -> None:
    many = found(result("brief", [0.0] * 8), result("brief", [1.0] * 8))
    assert many.gain is not None and many.gain.mean == pytest.approx(0.5) and many.is_significant
    few = found(result("brief", [0.0] * 5), result("brief", [1.0] * 5))
    assert few.gain is not None and few.gain.mean == pytest.approx(0.5) and not few.is_significant


def test_a_question_that_the_new_prompt_fails_on_scores_0() -> None:
    """Six answers as good as before, and six failures."""
    worse = found(result("brief", [0.0] * 12), result("brief", [0.0] * 6, failed=6))
    assert worse.gain is not None and worse.gain.mean == pytest.approx(-0.25) and not worse.is_significant


def test_a_question_that_the_old_prompt_failed_on_is_ignored() -> None:
    same = found(result("brief", [1.0] * 6, failed=6), result("brief", [1.0] * 12))
    assert same.gain is not None and (same.gain.mean, same.gain.clusters) == (0.0, 6)


def test_there_is_no_gain_without_a_better_prompt() -> None:
    assert found(result("brief", [1.0] * 6), None).gain is None
