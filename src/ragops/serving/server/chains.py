"""The chain that answers, while it is replaced: a new version opens beside the old one, which ends with its answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.console import as_outputs
from ragops.answers.chain.types import Query
from ragops.answers.retrieval.search import Searcher
from ragops.errors import UserError
from ragops.serving.model.registered import ChainVersion
from ragops.serving.server.types import Answering, Backend, NotReady, answered
from ragops.text import reason

_log = logging.getLogger(__name__)


class OpenedChain:
    """A chain in this process."""

    def __init__(self, chain: Chain, version: ChainVersion, release: Callable[[], None] = lambda: None) -> None:
        """`release` removes what was downloaded for it."""
        self._chain, self.version, self._release = chain, version, release

    @property
    def searcher(self) -> Searcher:
        """Its index."""
        return self._chain.searcher

    def stream(self, query: Query) -> Answering:
        """The answer in pieces. Raises as `Chain.answer`."""
        answer = yield from self._chain.stream(query)
        return answered(answer, as_outputs(answer))

    def close(self) -> None:
        """Closes the index."""
        self._chain.searcher.close()
        self._release()


class Source(Protocol):
    """Where backends come from."""

    def wanted(self) -> ChainVersion:
        """The version that should serve now. Raises UserError if there is none, or if nobody knows at present."""

    def open(self, version: ChainVersion) -> Backend:
        """Opens it. Raises UserError if that is not possible at present."""


@dataclass(eq=False)
class _InUse:
    """A backend, and how many answers use it."""

    backend: Backend
    users: int = 0
    closed: bool = False


class Chains:
    """The backend that serves now. Thread-safe."""

    def __init__(self, source: Source, seconds: float) -> None:
        """Asks the source every `seconds` which version should serve, from `start` on."""
        self._source, self._seconds = source, seconds
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._current: _InUse | None = None
        self._thread = threading.Thread(target=self._follow, name="chain-follower", daemon=True)
        self.problem = "it is being opened"
        """Why the version that should serve does not; "" if it does."""

    def start(self) -> None:
        """Opens the first version, or notes why it cannot be opened yet; then follows in the background."""
        self.look()
        self._thread.start()

    @contextmanager
    def use(self) -> Iterator[Backend]:
        """The backend for one answer; it stays open inside the context.

        Raises:
            NotReady: none has been opened yet.
        """
        with self._lock:
            current = self._current
            if current is None:
                raise NotReady(f"chain: not ready, {self.problem}")
            current.users += 1
        try:
            yield current.backend
        finally:
            with self._lock:
                current.users -= 1
            self._close_unused(current)

    @property
    def version(self) -> ChainVersion | None:
        """The version that serves; None before the first one."""
        current = self._current
        return None if current is None else current.backend.version

    def look(self) -> None:
        """Asks which version should serve, and opens it if it is another one."""
        try:
            wanted = self._source.wanted()
            if self._current is None or self._current.backend.version != wanted:
                self._serve(self._source.open(wanted))
        except Exception as error:  # the registry and its database raise any type
            problem = str(error) if isinstance(error, UserError) else reason(error)
            if problem != self.problem:
                _log.warning("chain: %s", problem)
            self.problem = problem
        else:
            self.problem = ""

    def close(self) -> None:
        """Stops following; closes the backend unless an answer still uses it."""
        self._closing.set()
        with self._lock:
            current, self._current = self._current, None
        if current is not None:
            self._close_unused(current)

    def _serve(self, backend: Backend) -> None:
        with self._lock:
            before, self._current = self._current, _InUse(backend)
        _log.info("chain: %s serves", backend.version)
        if before is not None:
            self._close_unused(before)

    def _close_unused(self, one: _InUse) -> None:
        with self._lock:
            unused = one is not self._current and one.users == 0 and not one.closed
            one.closed = one.closed or unused
        if unused:
            one.backend.close()

    def _follow(self) -> None:
        while not self._closing.wait(self._seconds):
            self.look()
