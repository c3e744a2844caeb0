import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.errors import NoCapacity
from ragops.answers.llms.resilience.limits import Limits, Rate
from ragops.answers.llms.settings import Scripted
from tests.support.llms import Clock, scripted


def limits(**settings: object) -> tuple[Limits, Clock]:
    clock = Clock()
    return Limits(Scripted.model_validate(scripted("m", **settings)), clock.sleep), clock


@given(
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 8),
    pauses=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
def test_no_minute_has_more_than_its_share_and_the_burst(per_minute: int, burst: int, pauses: list[float]) -> None:
    clock = Clock()
    rate = Rate(per_minute, burst, clock)
    starts = []
    for pause in pauses:
        clock.now += pause
        wait = rate.reserve(1e9)
        assert wait is not None
        starts.append(clock.now + wait)
    for start in starts:
        within = [one for one in starts if start <= one < start + 60 - 1e-6]
        assert len(within) <= per_minute + burst


def test_a_burst_goes_at_once_and_the_next_waits_its_turn() -> None:
    clock = Clock()
    rate = Rate(60, 2, clock)
    assert [rate.reserve(10) for _ in range(4)] == [0, 0, 1, 2]
    clock.now = 100
    assert rate.reserve(10) == 0


def test_a_place_that_comes_too_late_is_not_taken() -> None:
    clock = Clock()
    rate = Rate(60, 1, clock)
    assert (rate.reserve(0), rate.reserve(0.5), rate.reserve(1)) == (0, None, 1)


def test_a_rate_makes_requests_wait_or_fail() -> None:
    held, clock = limits(requests_per_minute=1)
    with held.slot(1):
        pass
    with pytest.raises(NoCapacity, match="Model m: its requests_per_minute leave no place"), held.slot(1):
        pass
    with held.slot(1e3):
        pass
    assert [round(one) for one in clock.slept] == [60]


def test_no_more_at_once_than_the_use_case_says_and_a_place_comes_back_after_an_error() -> None:
    held, _ = limits(concurrency=1)
    with held.slot(0), pytest.raises(NoCapacity, match="raise its concurrency"), held.slot(0):
        pass
    with pytest.raises(ValueError), held.slot(0):
        raise ValueError
    with held.slot(0):
        pass


def test_a_place_may_be_waited_for() -> None:
    held, _ = limits(concurrency=1)
    entered, leave, done = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with held.slot(0):
            entered.set()
            leave.wait(10)

    def second() -> None:
        with held.slot(10):
            done.set()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    entered.wait(10)
    threads[1].start()
    assert not done.is_set()
    leave.set()
    for thread in threads:
        thread.join(10)
    assert done.is_set()
