import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.errors import Busy, EmptyAnswer, ModelFailure, NoCapacity, Rejected, Resting, ServerFault
from ragops.answers.llms.resilience import AnswerCache, Breaker, Deadline, Limits, Rate, retrying
from ragops.answers.llms.settings import Scripted
from ragops.answers.llms.types import Reply
from tests.support.llms import Clock, ask, scripted


def failing(*errors: Exception) -> tuple[Callable[[], str], list[int]]:
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]
        return "done"

    return call, calls


def test_a_transient_failure_is_retried() -> None:
    clock = Clock()
    call, calls = failing(ServerFault("a"), ServerFault("b"))
    assert retrying(3, Deadline(100), clock.sleep)(call) == "done"
    assert (len(calls), len(clock.slept)) == (3, 2)
    assert all(0 <= pause <= 20 for pause in clock.slept)


def test_the_pause_is_at_least_what_the_server_asks_for() -> None:
    clock = Clock()
    call, _ = failing(Busy("slow down", 7.0))
    assert retrying(3, Deadline(100), clock.sleep)(call) == "done"
    assert 7 <= clock.slept[0] <= 7.5 + 1e-9


@pytest.mark.parametrize("error", [EmptyAnswer("e"), ValueError("a defect")])
def test_a_permanent_failure_is_raised_at_once(error: Exception) -> None:
    clock = Clock()
    call, calls = failing(error)
    with pytest.raises(type(error)):
        retrying(3, Deadline(100), clock.sleep)(call)
    assert (len(calls), clock.slept) == (1, [])


def test_after_the_last_attempt_its_failure_is_raised() -> None:
    call, calls = failing(*[ServerFault(str(number)) for number in range(9)])
    with pytest.raises(ModelFailure, match="^2$"):
        retrying(3, Deadline(100), Clock().sleep)(call)
    assert len(calls) == 3


def test_a_pause_past_the_deadline_is_not_waited_for() -> None:
    clock = Clock()
    call, calls = failing(Busy("slow down", 200.0))
    with pytest.raises(Busy):
        retrying(3, Deadline(100), clock.sleep)(call)
    assert (len(calls), clock.slept) == (1, [])


def test_a_deadline_counts_down_to_zero() -> None:
    clock = Clock()
    deadline = Deadline(10, clock)
    clock.now = 4
    assert deadline.left() == 6
    clock.now = 11
    assert deadline.left() == 0


def limits(**settings: object) -> tuple[Limits, Clock]:
    clock = Clock()
    return Limits(Scripted.model_validate(scripted("m", **settings)), clock.sleep), clock


@given(
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 8),
    pauses=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
def test_no_minute_exceeds_the_rate_and_the_burst(per_minute: int, burst: int, pauses: list[float]) -> None:
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


def test_after_a_burst_requests_wait_their_turn() -> None:
    clock = Clock()
    rate = Rate(60, 2, clock)
    assert [rate.reserve(10) for _ in range(4)] == [0, 0, 1, 2]
    clock.now = 100
    assert rate.reserve(10) == 0


def test_a_turn_that_comes_too_late_is_not_reserved() -> None:
    clock = Clock()
    rate = Rate(60, 1, clock)
    assert (rate.reserve(0), rate.reserve(0.5), rate.reserve(1)) == (0, None, 1)


def test_a_rate_limit_delays_requests_or_rejects_them() -> None:
    limited, clock = limits(requests_per_minute=1)
    with limited.slot(1):
        pass
    with pytest.raises(NoCapacity, match="Model m: .*requests_per_minute"), limited.slot(1):
        pass
    with limited.slot(1e3):
        pass
    assert [round(one) for one in clock.slept] == [60]


def test_concurrency_is_limited_and_an_error_frees_its_slot() -> None:
    limited, _ = limits(concurrency=1)
    with limited.slot(0), pytest.raises(NoCapacity, match="concurrency"), limited.slot(0):
        pass
    with pytest.raises(ValueError), limited.slot(0):
        raise ValueError
    with limited.slot(0):
        pass


def test_a_busy_slot_can_be_waited_for() -> None:
    limited, _ = limits(concurrency=1)
    entered, leave, done = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with limited.slot(0):
            entered.set()
            leave.wait(10)

    def second() -> None:
        with limited.slot(10):
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


def send(breaker: Breaker, error: BaseException | None = None) -> str:
    try:
        with breaker.watched():
            if error:
                raise error
    except Resting:
        return "rejected"
    except BaseException as raised:
        assert raised is error
        return "failed"
    return "answered"


FAULT = ServerFault("down")


def test_no_capacity_neither_closes_nor_opens_the_breaker() -> None:
    clock = Clock()
    breaker = Breaker("m", 2, 30, clock)
    outcomes = [send(breaker, error) for error in (FAULT, NoCapacity("full"), FAULT, None)]
    assert outcomes == ["failed", "failed", "failed", "rejected"]
    clock.now = 31
    assert send(breaker, NoCapacity("full")) == "failed"  # the trial did not reach the server
    assert send(breaker, FAULT) == "failed"  # so this one is the trial
    assert send(breaker) == "rejected"


def test_the_breaker_opens_after_consecutive_failures_and_tries_one_request() -> None:
    clock = Clock()
    breaker = Breaker("m", 2, 30, clock)
    assert [send(breaker, FAULT), send(breaker), send(breaker, FAULT), send(breaker, FAULT)] == [
        "failed",
        "answered",
        "failed",
        "failed",
    ]
    assert send(breaker) == "rejected"
    clock.now = 31
    with breaker.watched():  # the trial: no other request is let through
        assert send(breaker) == "rejected"
    assert send(breaker) == "answered"


def test_a_failed_trial_opens_the_breaker_again() -> None:
    clock = Clock()
    breaker = Breaker("m", 1, 30, clock)
    send(breaker, FAULT)
    clock.now = 31
    assert send(breaker, FAULT) == "failed"
    clock.now = 60
    assert send(breaker) == "rejected"
    clock.now = 62
    assert send(breaker) == "answered"


def test_rejected_and_abandoned_requests_do_not_count_as_failures() -> None:
    clock = Clock()
    breaker = Breaker("m", 1, 30, clock)
    assert send(breaker, Rejected("wrong token")) == "failed"
    assert send(breaker, GeneratorExit()) == "failed"
    assert send(breaker) == "answered"
    send(breaker, FAULT)
    clock.now = 31
    assert send(breaker, GeneratorExit()) == "failed"
    assert send(breaker) == "answered"  # the abandoned trial does not block the next one


def test_an_open_breaker_tells_when_it_retries() -> None:
    breaker = Breaker("m", 1, 30, Clock())
    send(breaker, FAULT)
    with pytest.raises(Resting, match="Model m: .* 30 s"), breaker.watched():
        pass


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 50)), max_size=40), st.integers(1, 4))
def test_the_breaker_opens_only_after_enough_failures_and_only_for_a_time(
    steps: list[tuple[bool, float]], limit: int
) -> None:
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


REPLY = Reply("a", "m", "scripted", 1, 1, 0.0, "stop")


def test_only_an_equal_request_to_the_same_model_hits_the_cache() -> None:
    cache = AnswerCache(2)
    cache.put("m", ask("a"), REPLY)
    assert cache.get("m", ask("a", timeout_s=1.0)) is REPLY
    assert cache.get("m", ask("a", evidence=("x",))) is None
    assert cache.get("n", ask("a")) is None


def test_the_least_recently_used_answer_is_evicted() -> None:
    cache = AnswerCache(2)
    for text in ("a", "b"):
        cache.put("m", ask(text), REPLY)
    cache.get("m", ask("a"))
    cache.put("m", ask("c"), REPLY)
    assert [cache.get("m", ask(text)) is REPLY for text in ("a", "b", "c")] == [True, False, True]


def test_sampled_answers_are_not_cached_and_size_0_caches_nothing() -> None:
    cache = AnswerCache(2)
    cache.put("m", ask("a", temperature=0.7), REPLY)
    assert cache.get("m", ask("a", temperature=0.7)) is None
    none = AnswerCache(0)
    none.put("m", ask("a"), REPLY)
    assert none.get("m", ask("a")) is None
