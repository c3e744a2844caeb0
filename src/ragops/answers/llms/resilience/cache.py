"""Answers kept in memory: exactly the same request, passages included, needs no model again."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ragops.answers.llms.types import Reply, Request


class Answers:
    """The answers last used, by model and request. Only those at temperature 0, which are always the same.

    A request holds all evidence that its caller may see, so that one caller's answer tells another nothing new.
    """

    def __init__(self, size: int) -> None:
        """Keeps at most `size` answers; 0 keeps none."""
        self._size = size
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Reply] = OrderedDict()

    def get(self, model: str, request: Request) -> Reply | None:
        """The answer given before."""
        key = (model, request.digest())
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, model: str, request: Request, reply: Reply) -> None:
        """Keeps an answer, and lets go of the one not used for longest where there are too many."""
        if request.temperature > 0:
            return
        with self._lock:
            self._kept[model, request.digest()] = reply
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
