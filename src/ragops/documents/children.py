"""How the child processes of a `ParserPool` start, and what they may use."""

import fcntl
import multiprocessing
import os
import resource
import signal
import sys
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.popen_forkserver import Popen
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

from ragops.documents.clock import time_limit
from ragops.documents.limits import MIB, ParseLimits
from ragops.documents.outcomes import Failure, Parse, ParsedDocument, Unparsable
from ragops.documents.parsing import prepare

OUT_OF_MEMORY = 84
"""Exit code of a child that hit its memory limit."""


class _Process(ForkServerProcess):
    """Starts without the main module of its parent.

    multiprocessing imports that module in each child, in case a task was defined there. Ours are not, and it may be
    pyspark's daemon, a test runner, or a script without a guard, which would run a second time.
    """

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Popen:  # noqa: N802 - the name that multiprocessing calls
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return ForkServerProcess._Popen(process_obj)
        finally:
            sys.modules["__main__"] = main


class ParserContext(ForkServerContext):
    """Children of a fork server: a new one costs milliseconds and inherits no threads, locks or connections."""

    Process = _Process


def start_child(memory_bytes: int) -> None:
    """Limits a new child before it sees a file."""
    _end_with_owner()
    # Private writable memory. The address space as a whole would count mapped libraries and reservations that thread
    # pools and allocators never touch, so no value of it both lets OCR run and stops a document that eats memory.
    # macOS accepts the limit and ignores it.
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = memory_bytes if most == resource.RLIM_INFINITY else min(memory_bytes, most)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler would wait for a parser that hangs in C


def _end_with_owner() -> None:
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


def death_of(exitcode: int | None, limits: ParseLimits) -> tuple[str, str] | None:
    """Reason and exception type of a limit that ended a child; None where something else did."""
    if exitcode == OUT_OF_MEMORY:
        return f"needs more than {limits.memory_bytes // MIB:,} MiB of memory", MemoryError.__name__
    if exitcode == -signal.SIGALRM:
        return f"took longer than {limits.timeout_s:g} s", TimeoutError.__name__
    return None


def parse_in_child(parse: Parse, path: Path, limits: ParseLimits) -> ParsedDocument | Failure:
    """Runs `parse`; a child that runs out of memory ends, since what it holds cannot be given back for certain."""
    try:
        prepare(path)
        with time_limit(limits.timeout_s):
            return parse(path, limits)
    except Unparsable as error:
        return error.failure()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
