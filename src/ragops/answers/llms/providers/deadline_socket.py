"""An end to a request on the clock: an HTTP client's own limit begins anew with every byte that comes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

_here = threading.local()


class Alarm:
    """Cuts the connection of the request made under it when its time is over; what reads from it then fails at once.

    The client must have `heard` among its hooks for responses.

    Attributes:
        rang: whether the time is over.
    """

    def __init__(self, seconds: float) -> None:
        self.rang = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True

    def __enter__(self) -> Alarm:
        _here.alarm = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    @staticmethod
    def heard(response: Any) -> None:  # noqa: ANN401 - of httpx or httpx2
        """The hook: an answer has begun, in the thread that asked for it."""
        alarm: Alarm = _here.alarm
        alarm._socket = response.extensions["network_stream"].get_extra_info("socket")
        if alarm.rang:
            alarm._ring()

    def _ring(self) -> None:
        self.rang = True
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                # Closing it would wake nobody who reads; and TLS must not be told from this thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
