"""How much the server takes on at once: answers in progress, and questions that wait for their turn."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ragops.serving.server.types import Refused

_WEIGHT = 0.2  # of the newest answer in the average time
_LONGEST_RETRY_S = 60


class Slots:
    """Slots for answers in progress and a queue before them, for one event loop."""

    def __init__(self, concurrent: int, queue: int) -> None:
        """At most `concurrent` hold a slot, and `queue` wait for one."""
        self._concurrent, self._queue = concurrent, queue
        self._free = asyncio.Semaphore(concurrent)
        self._admitted = 0
        self._seconds = 1.0

    @property
    def admitted(self) -> int:
        """Those that hold a slot or wait for one."""
        return self._admitted

    @property
    def waiting(self) -> int:
        """Those of them that wait."""
        return max(0, self._admitted - self._concurrent)

    def admit(self) -> None:
        """Takes a place, until `leave`.

        Raises:
            Refused: 429, the queue is full.
        """
        if self._admitted >= self._concurrent + self._queue:
            seconds = self._retry_after()
            raise Refused(
                429,
                "too_many_requests",
                f"server: {self._concurrent} questions are being answered and {self._queue} wait; "
                f"try again in {seconds} s",
                seconds,
            )
        self._admitted += 1

    def leave(self) -> None:
        """Gives the place back."""
        self._admitted -= 1

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Waits for a slot and holds it."""
        async with self._free:
            started = time.monotonic()
            try:
                yield
            finally:
                self._seconds += _WEIGHT * (time.monotonic() - started - self._seconds)

    def _retry_after(self) -> int:
        """Whole seconds until a slot is likely to be free for one more question."""
        expected = self._seconds * (self._queue + 1) / self._concurrent
        return max(1, min(_LONGEST_RETRY_S, math.ceil(expected)))
