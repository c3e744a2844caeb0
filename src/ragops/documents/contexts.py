"""How multiprocessing starts the children that parse."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess, SpawnContext, SpawnProcess
from multiprocessing.popen_forkserver import Popen as ForkServerPopen
from multiprocessing.popen_spawn_posix import Popen as SpawnPopen
from multiprocessing.process import BaseProcess
from types import ModuleType


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Starts a child without the main module of its parent.

    multiprocessing imports that module in each child, in case a task was defined there. Ours are not, and it may be
    pyspark's daemon, a test runner, or a script without a guard, which would run a second time.
    """
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
