"""Makes model calls resilient: deadlines, retries, limits, a circuit breaker, and a cache of answers.

Limits and breaker are written here rather than taken from a library: about 60 lines each, and both must use the clock
and the deadline of the caller.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cachetools import LRUCache
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from ragops.answers.llms.errors import ModelFailure, NoCapacity, Resting
from ragops.answers.llms.settings import ModelSettings
from ragops.answers.llms.types import Reply, Request

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 20.0
_PAUSE = wait_random_exponential(multiplier=_FIRST_PAUSE_S, max=_LONGEST_PAUSE_S)

Clock = Callable[[], float]


class Deadline:
    """A point in time by which everything must be done."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Seconds until then, at least 0."""
        return max(0.0, self._end - self._clock())


def retrying(attempts: int, deadline: Deadline, sleep: Callable[[float], None] = time.sleep) -> Retrying:
    """Calls a function again after transient failures, with growing random pauses; raises the last failure unchanged.

    Gives up without waiting if the next pause would end after the deadline.
    """
    return Retrying(
        retry=retry_if_exception(_is_transient),
        stop=stop_after_attempt(attempts) | stop_before_delay(deadline.left()),
        wait=_pause,
        sleep=sleep,
        reraise=True,
    )


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, ModelFailure) and error.retryable


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    requested = error.retry_after_s if isinstance(error, ModelFailure) else None
    # The random part is added, so that not all callers return at the same moment.
    return (requested or 0.0) + _PAUSE(state)


class Rate:
    """A token bucket: allows `burst` requests at once, and another every 60 / `per_minute` seconds."""

    def __init__(self, per_minute: float, burst: int, clock: Clock = time.monotonic) -> None:
        self._interval = 60 / per_minute
        self._depth = self._interval * (burst - 1)
        self._clock = clock
        self._lock = threading.Lock()
        self._full_at = clock()

    def reserve(self, within_s: float) -> float | None:
        """Reserves the next turn and returns the seconds until it; None (and no turn) if they exceed `within_s`."""
        with self._lock:
            now = self._clock()
            wait = max(0.0, self._full_at - self._depth - now)
            if wait > within_s:
                return None
            self._full_at = max(self._full_at, now) + self._interval
            return wait


class Limits:
    """The concurrency and rate limits of one model, for all threads of this process."""

    def __init__(self, model: ModelSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        """A burst is as many requests as may run concurrently."""
        self._name = model.name
        self._slots = threading.BoundedSemaphore(model.concurrency)
        rate = model.requests_per_minute
        self._rate = Rate(rate, min(rate, model.concurrency)) if rate else None
        self._sleep = sleep

    @contextmanager
    def slot(self, within_s: float) -> Iterator[None]:
        """Occupies a slot for one request, waiting for it up to `within_s` seconds.

        Raises:
            NoCapacity: no slot or no turn became free in time.
        """
        started = time.monotonic()
        if not self._slots.acquire(timeout=max(0.0, within_s)):
            reason = f"all slots stayed busy for {within_s:.1f} s"
            raise NoCapacity(f"Model {self._name}: {reason}; raise its concurrency")
        try:
            self._await_turn(max(0.0, within_s - (time.monotonic() - started)))
            yield
        finally:
            self._slots.release()

    def _await_turn(self, within_s: float) -> None:
        wait = self._rate.reserve(within_s) if self._rate else 0.0
        if wait is None:
            reason = f"rate limit reached, no request allowed in the next {within_s:.1f} s"
            raise NoCapacity(f"Model {self._name}: {reason}; raise its requests_per_minute")
        if wait:
            self._sleep(wait)


class Breaker:
    """A circuit breaker for one model, for all threads of this process.

    After several consecutive failures it rejects requests for a while, then lets one through to try again. Only
    transient failures count: a rejected request says nothing about the server's health.
    """

    def __init__(self, model: str, failures: int, rest_s: float, clock: Clock = time.monotonic) -> None:
        """Opens for `rest_s` seconds after `failures` consecutive failures."""
        self._model = model
        self._limit = failures
        self._rest_s = rest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._trying = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Lets one request through and records how it ends.

        Raises:
            Resting: the breaker is open.
        """
        self._enter()
        try:
            yield
        except ModelFailure as failure:
            # NoCapacity comes from our own limits: the server was not called.
            self._leave(failed=None if isinstance(failure, NoCapacity) else failure.retryable)
            raise
        except BaseException:
            self._leave(failed=None)  # abandoned by the caller: says nothing about the server
            raise
        else:
            self._leave(failed=False)

    def _enter(self) -> None:
        with self._lock:
            if self._failures < self._limit:
                return
            left = self._until - self._clock()
            if left > 0 or self._trying:
                failed = f"failed {self._failures} times in a row"
                raise Resting(f"Model {self._model}: {failed}; retrying in {max(0.0, left):.0f} s")
            self._trying = True

    def _leave(self, failed: bool | None) -> None:
        with self._lock:
            self._trying = False
            if failed:
                self._failures += 1
                self._until = self._clock() + self._rest_s
            elif failed is not None:
                self._failures = 0


class AnswerCache:
    """The most recently used answers by model and request, at temperature 0 only, where an answer never varies.

    A request includes all evidence that its caller may see, so one caller's answer reveals nothing to another.
    """

    def __init__(self, size: int) -> None:
        """Keeps at most `size` answers; 0 keeps none."""
        self._answers: LRUCache[tuple[str, str], Reply] = LRUCache(size)
        self._lock = threading.Lock()

    def get(self, model: str, request: Request) -> Reply | None:
        """The earlier answer to exactly this request; None if there is none."""
        with self._lock:
            return self._answers.get((model, request.digest()))

    def put(self, model: str, request: Request, reply: Reply) -> None:
        """Keeps an answer, and evicts the least recently used one when full."""
        if request.temperature == 0 and self._answers.maxsize:
            with self._lock:
                self._answers[model, request.digest()] = reply
