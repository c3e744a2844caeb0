"""How the child processes of a `ParserPool` start, and what they may use."""

import ctypes
import os
import resource
import signal
import sys
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.popen_forkserver import Popen
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

from ragops.documents.limits import ParseLimits
from ragops.documents.outcomes import Failure, Parse, ParsedDocument, Unparsable

OUT_OF_MEMORY = 84
"""Exit code of a child that hit its memory limit."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


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
    """Limits a new child before it sees a file. Its life ends with the fork server's, which ends with its owner's."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the signal was set
            os._exit(1)
    # Private writable memory. The address space as a whole would count mapped libraries and reservations that thread
    # pools and allocators never touch, so no value of it both lets OCR run and stops a document that eats memory.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler would wait for a parser that hangs in C


def parse_in_child(parse: Parse, path: Path, limits: ParseLimits) -> ParsedDocument | Failure:
    """Runs `parse`; a child that runs out of memory ends, since what it holds cannot be given back for certain."""
    try:
        return parse(path, limits)
    except Unparsable as error:
        return error.failure()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
