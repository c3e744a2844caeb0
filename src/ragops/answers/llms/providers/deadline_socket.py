"""A time limit for a whole HTTP request: a client's own limit restarts with every byte that arrives."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

_thread = threading.local()


class TimeLimit:
    """Cuts the connection of the request made inside the context when its time is over; reading then fails at once.

    The client must have `on_response` among its response hooks.

    Attributes:
        expired: whether the time is over.
    """

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> TimeLimit:
        _thread.limit = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    @staticmethod
    def on_response(response: Any) -> None:  # noqa: ANN401 - of httpx or httpx2
        """The hook: a response has begun, in the thread that sent the request."""
        limit: TimeLimit = _thread.limit
        limit._socket = response.extensions["network_stream"].get_extra_info("socket")
        if limit.expired:
            limit._expire()

    def _expire(self) -> None:
        self.expired = True
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                # Closing the socket would not wake a reader, and TLS must not be shut down from this thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
