from collections.abc import Callable

import pytest

from ragops.answers.llms.errors import Busy, EmptyAnswer, ModelFailure, ServerFault
from ragops.answers.llms.resilience.retries import Deadline, retrying
from tests.support.llms import Clock


def failing(*errors: Exception) -> tuple[Callable[[], str], list[int]]:
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]
        return "done"

    return call, calls


def test_a_passing_failure_is_tried_again() -> None:
    clock = Clock()
    call, calls = failing(ServerFault("a"), ServerFault("b"))
    assert retrying(3, Deadline(100), clock.sleep)(call) == "done"
    assert (len(calls), len(clock.slept)) == (3, 2)
    assert all(0 <= pause <= 20 for pause in clock.slept)


def test_the_server_says_how_long_to_wait() -> None:
    clock = Clock()
    call, _ = failing(Busy("slow down", 7.0))
    assert retrying(3, Deadline(100), clock.sleep)(call) == "done"
    assert 7 <= clock.slept[0] <= 7.5 + 1e-9


@pytest.mark.parametrize("error", [EmptyAnswer("e"), ValueError("a defect")])
def test_what_will_not_pass_is_raised_at_once(error: Exception) -> None:
    clock = Clock()
    call, calls = failing(error)
    with pytest.raises(type(error)):
        retrying(3, Deadline(100), clock.sleep)(call)
    assert (len(calls), clock.slept) == (1, [])


def test_the_last_failure_is_raised_as_it_is() -> None:
    call, calls = failing(*[ServerFault(str(number)) for number in range(9)])
    with pytest.raises(ModelFailure, match="^2$"):
        retrying(3, Deadline(100), Clock().sleep)(call)
    assert len(calls) == 3


def test_nobody_waits_past_the_deadline() -> None:
    clock = Clock()
    call, calls = failing(Busy("slow down", 200.0))
    with pytest.raises(Busy):
        retrying(3, Deadline(100), clock.sleep)(call)
    assert (len(calls), clock.slept) == (1, [])


def test_a_deadline_counts_down_to_nothing() -> None:
    clock = Clock()
    deadline = Deadline(10, clock)
    clock.now = 4
    assert deadline.left() == 6
    clock.now = 11
    assert deadline.left() == 0
