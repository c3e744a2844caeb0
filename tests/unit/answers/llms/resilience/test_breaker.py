import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.errors import NoCapacity, Rejected, Resting, ServerFault
from ragops.answers.llms.resilience.breaker import Breaker
from tests.support.llms import Clock


def send(breaker: Breaker, error: BaseException | None = None) -> str:
    try:
        with breaker.watched():
            if error:
                raise error
    except Resting:
        return "resting"
    except BaseException as raised:
        assert raised is error
        return "failed"
    return "answered"


FAULT = ServerFault("down")


def test_where_nobody_was_asked_nothing_was_learnt() -> None:
    clock = Clock()
    breaker = Breaker("m", 2, 30, clock)
    said = [send(breaker, error) for error in (FAULT, NoCapacity("full"), FAULT, None)]
    assert said == ["failed", "failed", "failed", "resting"]
    clock.now = 31
    assert send(breaker, NoCapacity("full")) == "failed"  # the trial that came to nothing
    assert send(breaker, FAULT) == "failed"  # the next one is the trial
    assert send(breaker) == "resting"


def test_it_rests_after_failures_in_a_row_and_is_tried_with_one_request() -> None:
    clock = Clock()
    breaker = Breaker("m", 2, 30, clock)
    assert [send(breaker, FAULT), send(breaker), send(breaker, FAULT), send(breaker, FAULT)] == [
        "failed",
        "answered",
        "failed",
        "failed",
    ]
    assert send(breaker) == "resting"
    clock.now = 31
    with breaker.watched():  # the trial: nobody else is let through meanwhile
        assert send(breaker) == "resting"
    assert send(breaker) == "answered"


def test_a_failed_trial_means_another_rest() -> None:
    clock = Clock()
    breaker = Breaker("m", 1, 30, clock)
    send(breaker, FAULT)
    clock.now = 31
    assert send(breaker, FAULT) == "failed"
    clock.now = 60
    assert send(breaker) == "resting"
    clock.now = 62
    assert send(breaker) == "answered"


def test_a_rejected_request_and_one_given_up_say_nothing_of_health() -> None:
    clock = Clock()
    breaker = Breaker("m", 1, 30, clock)
    assert send(breaker, Rejected("wrong token")) == "failed"
    assert send(breaker, GeneratorExit()) == "failed"
    assert send(breaker) == "answered"
    send(breaker, FAULT)
    clock.now = 31
    assert send(breaker, GeneratorExit()) == "failed"
    assert send(breaker) == "answered"  # the trial that was given up blocks nobody


def test_the_reason_says_when() -> None:
    breaker = Breaker("m", 1, 30, Clock())
    send(breaker, FAULT)
    with pytest.raises(Resting, match="Model m: failed 1 times in a row; it is asked again in 30 s"), breaker.watched():
        pass


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 50)), max_size=40), st.integers(1, 4))
def test_it_rests_only_after_enough_failures_and_only_for_so_long(steps: list[tuple[bool, float]], limit: int) -> None:
    clock = Clock()
    breaker = Breaker("m", limit, 30, clock)
    failures: list[float] = []
    for fails, pause in steps:
        clock.now += pause
        if send(breaker, FAULT if fails else None) == "failed":
            failures.append(clock.now)
        elif not failures:
            continue
        recent = [at for at in failures if at > clock.now - 30]
        if send(breaker) == "answered":
            failures = []
        else:
            assert len(failures) >= limit and recent
