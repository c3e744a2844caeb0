import numpy as np

from ragops.quality.statistics.intervals import mean_interval


def test_the_mean_of_no_values_is_nan() -> None:
    assert np.isnan(mean_interval(np.zeros(0), []).mean)
