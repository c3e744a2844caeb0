"""The processes that parse: forked by a server, started one at a time if that is not permitted, else this process."""

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

from ragops.corpus.documents.child_process import failure_of, out_of_time, start_child, unavailable_limits
from ragops.corpus.documents.limits import ParseLimits, TimeIsUp, raise_time_is_up, time_limit
from ragops.corpus.documents.parsing import prepare
from ragops.corpus.documents.types import MEMORY_HERE, Failure, Parse, ParsedDocument, Unparsable
from ragops.platform.processes import ServerContext, StarterContext

_START_S = 120.0
_LOOK_S = 0.5
T = TypeVar("T")
_log = logging.getLogger(__name__)
_warned: set[str] = set()
Outcome = ParsedDocument | Failure
Task = tuple[Parse, Path, ParseLimits]


class Pool(Protocol):
    """Runs parsers: pebble's ProcessPool, or this process."""

    @property
    def active(self) -> bool:
        """False after it has ended or broken."""

    def schedule(self, function: Callable[..., Outcome], args: Task, *, timeout: float) -> "Future[Outcome]":
        """Calls `function` with `args`; the process that runs it is killed after `timeout` seconds."""

    def stop(self) -> None:
        """Ends the running tasks."""

    def join(self) -> None:
        """Waits until it has ended."""


class ThisProcess:
    """Parses in this process, where no child can be started. A file that crashes its parser ends the job."""

    active = True
    _parsing = threading.Lock()  # PDFium, for example, may crash when two threads use it

    def schedule(self, function: Callable[..., Outcome], args: Task, *, timeout: float) -> "Future[Outcome]":
        """The result of parsing `args`; `function` is ignored, since it may end its process."""
        future: Future[Outcome] = Future()
        with self._parsing:
            future.set_result(_parse_here(*args))
        return future

    def stop(self) -> None:
        """Does nothing: `schedule` has returned only finished tasks."""

    join = stop


def start_pool(memory_bytes: int) -> Pool:
    """Starts a child and waits for its first answer, or falls back to this process; logs missing features once."""
    server = ServerContext()
    server.set_forkserver_preload([start_child.__module__])
    try:
        return _responding_pool(memory_bytes, server)
    except (OSError, EOFError, RuntimeError) as error:
        reason = _cause(error)
    try:
        pool = _responding_pool(memory_bytes, StarterContext())
    except (OSError, EOFError, RuntimeError) as error:
        _warn(
            "files are parsed in the job's own process, without a memory limit, and a parser that hangs in C hangs it: "
            f"no process can be started here ({_cause(error)})"
        )
        return ThisProcess()
    _warn(f"each parser process takes seconds to start: no fork server can run here ({reason})")
    return pool


def answer(pool: Pool, future: "Future[T]", seconds: float) -> T:
    """Returns the future's result, or raises its exception.

    Raises:
        BrokenProcessPool: the pool has ended. pebble never answers a task that arrives while the pool breaks.
        TimeoutError: it took longer than `seconds`, or the pool's time limit ended the task (then the future is done).
    """
    deadline = time.monotonic() + seconds
    while not future.done():
        if not pool.active:
            raise BrokenProcessPool("the pool of parsers has ended")
        if time.monotonic() > deadline:
            raise TimeoutError
        wait([future], _LOOK_S)
    return future.result()


def _responding_pool(memory_bytes: int, context: ServerContext | StarterContext) -> Pool:
    children = ProcessPool(1, initializer=start_child, initargs=(memory_bytes,), context=context)
    pool: Pool = children  # pebble leaves it untyped
    try:
        for line in answer(pool, children.schedule(unavailable_limits), _START_S):
            _warn(line)
    except BaseException:
        pool.stop()
        pool.join()
        raise
    return pool


def _warn(line: str) -> None:
    """Logs each missing feature once per process; the reason in parentheses at the end is not compared."""
    feature = line.split(" (")[0]
    if feature not in _warned:
        _warned.add(feature)
        _log.warning("%s", line)


def _cause(error: BaseException) -> str:
    return str(error.__cause__ or error) or type(error.__cause__ or error).__name__


def _parse_here(parse: Parse, path: Path, limits: ParseLimits) -> Outcome:
    """As `parse_in_child`, but never exits; the time limit applies to Python code in the main thread only."""
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
        reason = "needs more memory than is available; use a machine with more"
        return failure_of(path, reason, MemoryError.__name__, MEMORY_HERE)
