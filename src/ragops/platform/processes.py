"""Child processes for work on documents: how they start and end, and work that is spread over them."""

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

_A_PROCESS_BYTES = 2 << 30  # what profiling the longest document takes, 2.4 GiB for 20 million characters, is rare
_log = logging.getLogger(__name__)
_starting = threading.Lock()
_installed: list[Callable[[Any], Any]] = []
Item = TypeVar("Item")
Made = TypeVar("Made")


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Starts a child without the main module of its parent.

    multiprocessing imports that module in each child, in case a task was defined there. Ours are not, and it may be
    pyspark's daemon, a test runner, or a script without a guard, which would run a second time.
    """
    with _starting:  # of two threads at once, one would take the other's stand-in for the main module
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
    """Children of a fork server: a new one costs milliseconds and inherits no threads, locks or connections."""

    Process = _Served


class _Started(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: BaseProcess) -> SpawnPopen:  # noqa: N802
        with _without_main_module():
            return SpawnProcess._Popen(process_obj)


class StarterContext(SpawnContext):
    """Each child is a new Python, which takes seconds but neither server nor socket."""

    Process = _Started


def end_with_owner() -> None:
    """Has the kernel kill this process when the owner of the pool ends, however that ends and whatever this one does.

    multiprocessing holds one end of a pipe in the owner and the other, the sentinel, here. PR_SET_PDEATHSIG would not
    do: the parent is the fork server, which lives on as long as one of its children does.
    """
    owner = multiprocessing.parent_process()
    if owner is None or sys.platform != "linux":  # elsewhere a child ends after the file that it is at
        return
    fcntl.fcntl(owner.sentinel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(owner.sentinel, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(owner.sentinel, fcntl.F_SETFL, fcntl.fcntl(owner.sentinel, fcntl.F_GETFL) | os.O_ASYNC)
    if not owner.is_alive():  # it ended before the signal was set
        os._exit(1)


def how_many(each_bytes: int = _A_PROCESS_BYTES) -> int:
    """How many processes may work at a time, each of which may take so much memory: at most one for each core."""
    return max(1, min(_cores(), available_memory() // each_bytes))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def in_processes(
    function: Callable[[Item], Made], items: Iterable[Item], processes: int | None = None
) -> Iterator[Made]:
    """What `function`, which must be picklable, makes of each item, in their order; several at a time.

    Items are taken only as they are needed. Where no process can be started, this one does the work.

    Raises:
        UserError: a process was killed.
    """
    count = how_many() if processes is None else processes
    pool = _started(count, function) if count > 1 else None
    if pool is None:
        yield from map(function, items)
        return
    with pool:
        try:
            yield from in_order(lambda item: pool.submit(_call, item), items, 2 * count)
        except BrokenProcessPool as error:
            raise UserError(
                "documents: a process that worked on them was killed, as a rule for want of memory; slices merged "
                "before are kept: run it again where there is more"
            ) from error


def _install(function: Callable[[Any], Any]) -> None:
    _installed[:] = [function]
    with suppress(OSError):  # else it ends after the item that it is at
        end_with_owner()


def _call(item: Any) -> Any:  # noqa: ANN401 - whatever the function takes and makes
    return _installed[0](item)


def _started(count: int, function: Callable[[Any], Any]) -> ProcessPoolExecutor | None:
    """Processes of which one has answered; None where they are refused, which is logged."""
    pool = None
    try:
        pool = ProcessPoolExecutor(count, ServerContext(), _install, (function,))
        pool.submit(os.getpid).result()
    except (OSError, EOFError, RuntimeError) as error:
        _log.warning("no process can be started here (%s): this one does all the work", error)
        if pool:
            pool.shutdown(wait=False)
        return None
    return pool


def in_order(submit: Callable[[Item], "Future[Made]"], items: Iterable[Item], ahead: int) -> Iterator[Made]:
    """The results of what was submitted, in the order of the items, which are taken only as they are needed."""
    running: deque[Future[Made]] = deque()
    for item in items:
        running.append(submit(item))
        if len(running) == ahead:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()
