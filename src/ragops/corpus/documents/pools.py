"""The processes that parse: forked by a server, started one by one where that is refused, else this process itself."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from pathlib import Path
from typing import Protocol, TypeVar

from pebble import ProcessPool

from ragops.corpus.documents.child_process import failure_of, out_of_time, start_child, what_is_refused
from ragops.corpus.documents.limits import ParseLimits, TimeIsUp, raise_time_is_up, time_limit
from ragops.corpus.documents.parsing import prepare
from ragops.corpus.documents.types import MEMORY_HERE, Failure, Parse, ParsedDocument, Unparsable
from ragops.platform.processes import ServerContext, StarterContext

_START_S = 120.0
_LOOK_S = 0.5
T = TypeVar("T")
_log = logging.getLogger(__name__)
_said: set[str] = set()
Outcome = ParsedDocument | Failure
Task = tuple[Parse, Path, ParseLimits]


class Pool(Protocol):
    """What parses: pebble's ProcessPool, or this process."""

    @property
    def active(self) -> bool:
        """False once it has ended or is broken."""

    def schedule(self, function: Callable[..., Outcome], args: Task, *, timeout: float) -> "Future[Outcome]":
        """Has `function` called with `args`; `timeout`: seconds after which whoever runs it is ended."""

    def stop(self) -> None:
        """Ends what is running."""

    def join(self) -> None:
        """Waits until it has ended."""


class ThisProcess:
    """Parses at once and here, for places where no child can be started: one that crashes its parser ends the job."""

    active = True
    _parsing = threading.Lock()  # PDFium, for one, may crash where two threads use it

    def schedule(self, function: Callable[..., Outcome], args: Task, *, timeout: float) -> "Future[Outcome]":
        """The outcome of parsing `args`; `function` is for children, which may end."""
        future: Future[Outcome] = Future()
        with self._parsing:
            future.set_result(_parse_here(*args))
        return future

    def stop(self) -> None:
        """Nothing is ever running."""

    join = stop


def start_pool(memory_bytes: int) -> Pool:
    """A child that has answered, or this process; what is refused here is logged, once in each process."""
    server = ServerContext()
    server.set_forkserver_preload([start_child.__module__])
    try:
        return _answering(memory_bytes, server)
    except (OSError, EOFError, RuntimeError) as error:
        reason = _cause(error)
    try:
        pool = _answering(memory_bytes, StarterContext())
    except (OSError, EOFError, RuntimeError) as error:
        _warn(
            "files are parsed by the job's own process, without a memory limit, and one that hangs in C hangs the job: "
            f"no process can be started here ({_cause(error)})"
        )
        return ThisProcess()
    _warn(f"each process that parses takes seconds to start: no fork server can run here ({reason})")
    return pool


def answer(pool: Pool, future: "Future[T]", seconds: float) -> T:
    """The future's result, or exception.

    Raises:
        BrokenProcessPool: the pool has ended. pebble leaves a task unanswered that arrives as the pool breaks.
        TimeoutError: it takes longer, or the pool's time limit has ended the task; then the future is done.
    """
    deadline = time.monotonic() + seconds
    while not future.done():
        if not pool.active:
            raise BrokenProcessPool("the pool of parsers has ended")
        if time.monotonic() > deadline:
            raise TimeoutError
        wait([future], _LOOK_S)
    return future.result()


def _answering(memory_bytes: int, context: ServerContext | StarterContext) -> Pool:
    children = ProcessPool(1, initializer=start_child, initargs=(memory_bytes,), context=context)
    pool: Pool = children  # pebble leaves it untyped
    try:
        for line in answer(pool, children.schedule(what_is_refused), _START_S):
            _warn(line)
    except BaseException:
        pool.stop()
        pool.join()
        raise
    return pool


def _warn(line: str) -> None:
    """Once in a process for each thing that is refused, whatever the reason given in brackets at the end."""
    what = line.split(" (")[0]
    if what not in _said:
        _said.add(what)
        _log.warning("%s", line)


def _cause(error: BaseException) -> str:
    return str(error.__cause__ or error) or type(error.__cause__ or error).__name__


def _parse_here(parse: Parse, path: Path, limits: ParseLimits) -> Outcome:
    """As a child does, but lives on; the time limit binds Python code in the main thread only."""
    main = threading.current_thread() is threading.main_thread()
    try:
        prepare(path)
        with time_limit(limits.timeout_s, raise_time_is_up) if main else nullcontext():
            return parse(path, limits)
    except Unparsable as error:
        return error.failure()
    except TimeIsUp:
        return out_of_time(path, limits.timeout_s)
    except MemoryError:
        reason = "needs more memory than there is; run this where there is more"
        return failure_of(path, reason, MemoryError.__name__, MEMORY_HERE)
