"""Asking again: after random, growing pauses, or as long as the server says, and never beyond the deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from ragops.answers.llms.errors import ModelFailure

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 20.0
_PAUSE = wait_random_exponential(multiplier=_FIRST_PAUSE_S, max=_LONGEST_PAUSE_S)


class Deadline:
    """A point in time by which everything must be done."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Seconds until then, not below 0."""
        return max(0.0, self._end - self._clock())


def retrying(attempts: int, deadline: Deadline, sleep: Callable[[float], None] = time.sleep) -> Retrying:
    """Calls a function until it does not fail for a passing reason; the last failure is raised as it is.

    It gives up, without waiting, where the pause before the next attempt would end after the deadline.
    """
    return Retrying(
        retry=retry_if_exception(_passing),
        stop=stop_after_attempt(attempts) | stop_before_delay(deadline.left()),
        wait=_pause,
        sleep=sleep,
        reraise=True,
    )


def _passing(error: BaseException) -> bool:
    return isinstance(error, ModelFailure) and error.retryable


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_s if isinstance(error, ModelFailure) else None
    # The random part comes on top, so that not all come back in the same moment.
    return (asked or 0.0) + _PAUSE(state)
