"""A circuit breaker: a model that fails again and again is left alone for a while, then tried with one request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ragops.answers.llms.errors import ModelFailure, NoCapacity, Resting


class Breaker:
    """Counts the failures in a row of one model, for all threads of this process.

    Only failures that another attempt may not meet count: a rejected request says nothing about the server's health.
    """

    def __init__(self, model: str, failures: int, rest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Opens for `rest_s` seconds after so many failures in a row."""
        self._model, self._limit, self._rest_s, self._clock = model, failures, rest_s, clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._trying = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Lets one request through and learns from how it ends.

        Raises:
            Resting: the model is left alone for now.
        """
        self._enter()
        try:
            yield
        except ModelFailure as failure:
            # Where our own limits left no room nobody was asked: that tells nothing.
            self._leave(failed=None if isinstance(failure, NoCapacity) else failure.retryable)
            raise
        except BaseException:
            self._leave(failed=None)  # given up by the caller: tells nothing
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
                raise Resting(f"Model {self._model}: {failed}; it is asked again in {max(0.0, left):.0f} s")
            self._trying = True

    def _leave(self, failed: bool | None) -> None:
        with self._lock:
            self._trying = False
            if failed:
                self._failures += 1
                self._until = self._clock() + self._rest_s
            elif failed is not None:
                self._failures = 0
