"""Small versions of `tests.bench.statistics`: releases through the gate, with noisy answers and noisy judges."""

from collections import Counter

import pytest

from tests.support.simulated_releases import releases, uncounted_failures


def test_the_same_chain_is_neither_promoted_nor_blocked() -> None:
    decisions = [one for pair in releases(20) for one in pair]
    assert Counter(one.outcome for one in decisions)["undecided"] >= 38
    assert all(len(one.comparisons) == 6 for one in decisions)


def test_a_better_chain_is_promoted_and_a_worse_one_blocked() -> None:
    better = Counter(one.outcome for pair in releases(8, 0.3) for one in pair)
    worse = Counter(one.outcome for pair in releases(8, -0.2) for one in pair)
    assert better["promoted"] >= 12 and better["blocked"] == 0
    assert worse["blocked"] == 16


@pytest.mark.parametrize("failing", [0.0, 0.05, 0.1, 0.15, 0.3])
def test_every_failed_judge_call_is_counted(failing: float) -> None:
    assert uncounted_failures(3, failing) == (0, 0)
