"""Child processes for work on documents: how they start and end, and how work is spread over them."""

import fcntl
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.context import ForkServerContext, ForkServerProcess, SpawnContext, SpawnProcess
from multiprocessing.popen_forkserver import Popen as ForkServerPopen
from multiprocessing.popen_spawn_posix import Popen as SpawnPopen
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, TypeVar

from ragops.errors import UserError
from ragops.platform.compute import available_memory

_A_PROCESS_BYTES = 2 << 30  # enough except for profiling the longest documents: 2.4 GiB for 20 million characters
_log = logging.getLogger(__name__)
_starting = threading.Lock()
_installed: list[Callable[[Any], Any]] = []
Item = TypeVar("Item")
Made = TypeVar("Made")


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Starts a child without the main module of its parent.

    multiprocessing imports that module in each child, in case a task was defined there. Our tasks are not, and the
    module may be pyspark's daemon, a test runner, or a script without a `__main__` guard that would run again.
    """
    with _starting:  # two threads at once would save each other's replacement as the main module
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


class _Served(ForkServerProcess):
    @staticmethod
    def _Popen(process_obj: BaseProcess) -> ForkServerPopen:  # noqa: N802 - the name that multiprocessing calls
        with _without_main_module():
            return ForkServerProcess._Popen(process_obj)


class ServerContext(ForkServerContext):
    """Children of a fork server: each starts in milliseconds and inherits no threads, locks or connections."""

    Process = _Served


class _Started(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: BaseProcess) -> SpawnPopen:  # noqa: N802
        with _without_main_module():
            return SpawnProcess._Popen(process_obj)


class StarterContext(SpawnContext):
    """Each child is a new Python process, which takes seconds to start but needs neither server nor socket."""

    Process = _Started


def end_with_owner() -> None:
    """Makes the kernel kill this process when the owner of the pool ends for any reason.

    multiprocessing keeps one end of a pipe in the owner and the other, the sentinel, here. PR_SET_PDEATHSIG would not
    work: the parent is the fork server, which lives as long as one of its children.

    Raises:
        OSError: the system does not allow it.
    """
    owner = multiprocessing.parent_process()
    if owner is None or sys.platform != "linux":  # elsewhere a child ends after its current file
        return
    fcntl.fcntl(owner.sentinel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(owner.sentinel, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(owner.sentinel, fcntl.F_SETFL, fcntl.fcntl(owner.sentinel, fcntl.F_GETFL) | os.O_ASYNC)
    if not owner.is_alive():  # the owner ended before the signal was set
        os._exit(1)


def process_count(each_bytes: int = _A_PROCESS_BYTES) -> int:
    """How many processes of `each_bytes` memory may run at a time: at most one per core, at least one."""
    return max(1, min(_cores(), available_memory() // each_bytes))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def in_processes(
    function: Callable[[Item], Made], items: Iterable[Item], processes: int | None = None
) -> Iterator[Made]:
    """Applies a function to items in several processes at a time; yields the results in the order of the items.

    Items are consumed lazily. If no process can be started, this one does the work.

    Args:
        function: picklable.
        items: picklable.
        processes: how many; by default as many as memory and cores allow.

    Raises:
        UserError: a process was killed.
    """
    count = process_count() if processes is None else processes
    pool = _started(count, function) if count > 1 else None
    if pool is None:
        yield from map(function, items)
        return
    with pool:
        try:
            yield from in_order(lambda item: _submit(pool, item), items, 2 * count)
        except BrokenProcessPool as error:
            raise UserError(
                "documents: a worker process was killed, usually for lack of memory; earlier slices are saved: run it "
                "again on a machine with more memory"
            ) from error


def _submit(pool: ProcessPoolExecutor, item: Item) -> "Future[Any]":
    try:
        return pool.submit(_call, item)
    except OSError as error:  # it starts a further process while its own thread closes the pipes of a broken pool
        raise BrokenProcessPool(str(error)) from error


def _install(function: Callable[[Any], Any]) -> None:
    _installed[:] = [function]
    with suppress(OSError):  # without it, this process ends after its current item
        end_with_owner()


def _call(item: Any) -> Any:  # noqa: ANN401 - the function's own types
    return _installed[0](item)


def _started(count: int, function: Callable[[Any], Any]) -> ProcessPoolExecutor | None:
    """A pool in which one process has answered; None if processes are refused, which is logged."""
    pool = None
    try:
        pool = ProcessPoolExecutor(count, ServerContext(), _install, (function,))
        pool.submit(os.getpid).result()
    except (OSError, EOFError, RuntimeError) as error:
        _log.warning("no process can be started here (%s): this process does all the work", error)
        if pool:
            pool.shutdown(wait=False)
        return None
    return pool


def in_order(submit: Callable[[Item], "Future[Made]"], items: Iterable[Item], ahead: int) -> Iterator[Made]:
    """Submits items lazily, at most `ahead` at a time, and yields the results in the order of the items."""
    running: deque[Future[Made]] = deque()
    for item in items:
        running.append(submit(item))
        if len(running) == ahead:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()
