"""Small versions of `tests.bench.statistics`: the same simulations with fewer samples and a fixed seed."""

import pytest

from ragops.quality.statistics import intervals
from tests.support.simulated_labels import METHODS, Population, corrected_width, coverage

SKEWED = Population(0.85, 0.3)
"""Where intervals are hardest: most answers are good, and those of a document are alike."""


@pytest.mark.parametrize(("method", "count"), [(name, 100 if "-" in name else 300) for name in METHODS])
def test_intervals_of_50_labels_in_15_documents_contain_the_truth(method: str, count: int) -> None:
    """95 % give or take two Monte Carlo errors, of 1.3 points with 300 samples and 2.2 with 100."""
    assert abs(coverage(method, Population(), count) - 0.95) <= 2 * {300: 0.0126, 100: 0.0218}[count]


def test_quantiles_of_the_normal_distribution_would_be_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain BCa: what the correction for few clusters is for."""
    corrected = coverage("share", SKEWED, 400)
    monkeypatch.setattr(intervals, "quantile", lambda probability, freedom: 1.96 * (14 / 15) ** 0.5)
    plain = coverage("share", SKEWED, 400)
    assert corrected >= 0.92 > 0.915 >= plain


def test_a_good_judge_saves_labels() -> None:
    """Kappa 0.8 and 20 judged answers per label: as if there were twice as many labels."""
    judge = Population(0.7, 0.05, sensitivity=0.93, specificity=0.88)
    assert judge.kappa == pytest.approx(0.8, abs=0.001)
    assert corrected_width(judge, 1000, 30) <= 0.7
    assert corrected_width(judge, 50, 30) > 0.7
