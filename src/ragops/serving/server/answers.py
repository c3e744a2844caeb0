"""Answers in progress: each has an id, runs in a thread of its own, and ends when nobody waits for it any more.

A chain is blocking code, so a worker thread runs its generator and passes each piece to the event loop. An answer keeps
its pieces (at most `answers.max_tokens`, some kilobytes), so that a slow client does not occupy a slot, and so that a
retry with the same Idempotency-Key can join it from the beginning.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from cachetools import TTLCache

from ragops.answers.chain.types import Query
from ragops.errors import UserError
from ragops.serving.model.registered import ChainVersion
from ragops.serving.server.limits import Slots
from ragops.serving.server.types import Answered, Backend, Refused

_log = logging.getLogger(__name__)

Use = Callable[[], AbstractContextManager[Backend]]
"""Gives the backend of a new answer, which stays open inside the context."""

GRACE_S = 5.0
"""Beyond the chain's own deadline, for the quotes that answer once the models have used it up."""
_KEPT_ANSWERS, _KEPT_S = 500, 600.0


_Result = TypeVar("_Result")


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


@dataclass(eq=False)
class Run:
    """One answer in progress or ended. Used on the event loop only, except `stopped`.

    Attributes:
        query: what is asked.
        answer_id: "resp_" and 32 hexadecimal digits.
        created_at: seconds since the epoch.
        version: the chain that answers, once it has begun.
        queue_seconds: how long it waited for a slot, once it has one.
        answered: the checked answer, once it has ended.
        error: why there is none.
        stopped: tells the thread to give up.
        first_s: from its arrival to the first piece; None while there is none.
    """

    query: Query
    answer_id: str = field(default_factory=lambda: f"resp_{secrets.token_hex(16)}")
    created_at: float = field(default_factory=time.time)
    version: ChainVersion | None = None
    queue_seconds: float | None = None
    answered: Answered | None = None
    error: Exception | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    task: asyncio.Task[None] | None = None
    first_s: float | None = None
    _arrived: float = field(default_factory=time.monotonic)
    _pieces: list[str] = field(default_factory=list)
    _waiting: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended(self) -> bool:
        """Whether there is an answer or an error."""
        return self.answered is not None or self.error is not None

    @property
    def seconds(self) -> float:
        """Since its arrival."""
        return time.monotonic() - self._arrived

    def join(self) -> None:
        """One more client waits for it, until `leave`."""
        self._waiting += 1

    def leave(self) -> None:
        """A client has its answer, or has gone; without any the answer is abandoned."""
        self._waiting -= 1
        if not self._waiting and not self.ended:
            self.give_up(Abandoned())

    async def begun(self) -> ChainVersion:
        """Waits for a slot; returns the chain that answers. Raises the run's error."""
        while self.version is None and not self.ended:
            await self._changed.wait()
        if self.version is None:
            raise self.error or Abandoned()
        return self.version

    async def pieces(self, patience_s: float) -> AsyncIterator[str]:
        """What has been written so far, then each new piece, until the end; "" after `patience_s` without any."""
        sent = 0
        while True:
            ended, new = self.ended, self._pieces[sent:]
            if new:
                sent += len(new)
                yield "".join(new)
            elif ended:
                return
            else:
                try:
                    async with asyncio.timeout(patience_s):
                        await self._changed.wait()
                except TimeoutError:
                    yield ""

    async def result(self) -> Answered:
        """The checked answer. Raises the run's error."""
        while not self.ended:
            await self._changed.wait()
        if self.answered is None:
            raise self.error or Abandoned()
        return self.answered

    def begin(self, version: ChainVersion) -> None:
        """It has a slot."""
        self.version, self.queue_seconds = version, self.seconds
        self._notify()

    def add(self, piece: str) -> None:
        """Takes a piece."""
        if piece and self.first_s is None:
            self.first_s = self.seconds
        self._pieces.append(piece)
        self._notify()

    def end(self, result: Answered | Exception) -> None:
        """Takes the end; the first one counts."""
        if self.ended:
            return
        if isinstance(result, Answered):
            self.answered = result
        else:
            self.error = result
        self._notify()

    def give_up(self, error: Exception) -> None:
        """Ends it with an error: the thread stops at its next piece, and a place in the queue is free at once."""
        self.stopped.set()
        self.end(error)
        if self.version is None and self.task is not None:
            self.task.cancel()

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Answers:
    """Starts answers within the limits."""

    def __init__(
        self,
        use: Use,
        slots: Slots,
        deadline_s: float,
        record: Callable[[Run, Answered], None],
        observe: Callable[[Run], None] = lambda run: None,
    ) -> None:
        """Makes the service of one event loop.

        Args:
            use: gives the backend.
            slots: the limits; each answer that holds one has a thread.
            deadline_s: for one answer from its arrival, the wait for a slot included.
            record: makes the answer durable before its end is sent; called in a worker thread.
            observe: measures each run at its end, also one that was refused.
        """
        self._use, self._slots, self._record, self._observe = use, slots, record, observe
        self._deadline_s = deadline_s + GRACE_S
        self._keyed: TTLCache[tuple[str, str], Run] = TTLCache(_KEPT_ANSWERS, _KEPT_S)
        self.unrecorded = 0

    @property
    def in_progress(self) -> int:
        """Answers that are written or wait for a slot."""
        return self._slots.admitted

    def start(self, query: Query, key: str | None = None) -> Run:
        """Starts an answer, or joins the one that this user has started with the same key; the caller must `leave` it.

        Raises:
            Refused: 429, the queue is full; 409, the key belongs to another question.
        """
        known = self._keyed.get((query.who, key)) if key else None
        if known is not None and known.error is None:
            if known.query != query:
                raise Refused(
                    409, "idempotency_key_reused", "Idempotency-Key: it belongs to another question; send a new one"
                )
            known.join()
            return known
        run = Run(query)
        try:
            self._slots.admit()
        except Refused as error:
            run.end(error)
            self._observe(run)
            raise
        run.join()
        if key:
            self._keyed[query.who, key] = run
        run.task = asyncio.create_task(self._work(run))
        run.task.add_done_callback(lambda task: self._leave(run))  # also if it is canceled before its first step
        return run

    def _leave(self, run: Run) -> None:
        self._slots.leave()
        self._observe(run)

    async def _work(self, run: Run) -> None:
        loop = asyncio.get_running_loop()
        seconds = self._deadline_s
        late = Refused(504, "deadline", f"answer: not finished within {seconds:.0f} s; ask again, or ask for less")
        deadline = loop.call_later(seconds, run.give_up, late)
        try:
            with suppress(asyncio.CancelledError):  # given up while it was waiting
                async with self._slots.hold():
                    with self._use() as backend:
                        run.begin(backend.version)
                        run.end(await _in_thread(loop, lambda: self._produce(run, backend, loop)))
        except (UserError, Abandoned) as error:
            run.end(error)
        except Exception as error:
            _log.exception("answer %s failed", run.answer_id)
            run.end(error)
        finally:
            deadline.cancel()

    def _produce(self, run: Run, backend: Backend, loop: asyncio.AbstractEventLoop) -> Answered:
        """Runs the chain in this thread."""
        pieces = backend.stream(run.query)
        try:
            while not run.stopped.is_set():
                loop.call_soon_threadsafe(run.add, next(pieces))
        except StopIteration as end:
            result: Answered = end.value
            if not run.stopped.is_set():
                self._keep(run, result)
                return result
        finally:
            pieces.close()
        raise Abandoned

    def _keep(self, run: Run, result: Answered) -> None:
        """Records the answer; one that cannot be recorded is given all the same, and counted."""
        try:
            self._record(run, result)
        except Exception as error:
            self.unrecorded += 1
            _log.warning("answer %s is not recorded: %s", run.answer_id, error)


def _in_thread(loop: asyncio.AbstractEventLoop, work: Callable[[], _Result]) -> asyncio.Future[_Result]:
    """Runs blocking code in a thread that does not keep the process from ending, unlike those of an executor."""
    future: asyncio.Future[_Result] = loop.create_future()

    def settle(set_outcome: Callable[[], None]) -> None:
        if not future.done():
            set_outcome()

    def target() -> None:
        try:
            result = work()
            outcome = partial(future.set_result, result)
        except BaseException as error:
            outcome = partial(future.set_exception, error)
        with suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=target, name="answer", daemon=True).start()
    return future
