"""How much of a model is used at a time: so many requests at once, and so many a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ragops.answers.llms.errors import NoCapacity
from ragops.answers.llms.settings import ModelSettings


class Rate:
    """A token bucket: holds `burst` requests, and a new one comes every 60 / `per_minute` seconds."""

    def __init__(self, per_minute: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 60 / per_minute
        self._depth = self._interval * (burst - 1)
        self._clock = clock
        self._lock = threading.Lock()
        self._full_at = clock()

    def reserve(self, within_s: float) -> float | None:
        """Takes the next place; seconds to wait for it, or None when that is longer than `within_s` (none is taken)."""
        with self._lock:
            now = self._clock()
            wait = max(0.0, self._full_at - self._depth - now)
            if wait > within_s:
                return None
            self._full_at = max(self._full_at, now) + self._interval
            return wait


class Limits:
    """The limits of one model, for all threads of this process."""

    def __init__(self, model: ModelSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        """A burst is as many requests as may run at once."""
        self._name = model.name
        self._slots = threading.BoundedSemaphore(model.concurrency)
        rate = model.requests_per_minute
        self._rate = Rate(rate, min(rate, model.concurrency)) if rate else None
        self._sleep = sleep

    @contextmanager
    def slot(self, within_s: float) -> Iterator[None]:
        """Holds a place for one request.

        Raises:
            NoCapacity: none is free within so many seconds.
        """
        started = time.monotonic()
        if not self._slots.acquire(timeout=max(0.0, within_s)):
            raise NoCapacity(f"Model {self._name}: no request ended in {within_s:.1f} s; raise its concurrency")
        try:
            self._await_turn(max(0.0, within_s - (time.monotonic() - started)))
            yield
        finally:
            self._slots.release()

    def _await_turn(self, within_s: float) -> None:
        wait = self._rate.reserve(within_s) if self._rate else 0.0
        if wait is None:
            raise NoCapacity(f"Model {self._name}: its requests_per_minute leave no place in the next {within_s:.1f} s")
        if wait:
            self._sleep(wait)
