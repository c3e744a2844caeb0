"""How a child process that parses starts, and what it may use."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragops.corpus.documents.limits import MemoryLimit, ParseLimits, time_limit
from ragops.corpus.documents.parsing import parser_name, prepare
from ragops.corpus.documents.sniffing import FORMATS
from ragops.corpus.documents.types import MEMORY_HERE, Failure, Parse, ParsedDocument, Unparsable
from ragops.platform.processes import end_with_owner

OUT_OF_MEMORY = 84
"""Exit code of a child that hit its memory limit."""
_refused: list[str] = []


def start_child(memory_bytes: int) -> None:
    """Limits a new child before it sees a file. What a sandbox refuses is done without: see `what_is_refused`."""
    with _without("parsers go on with the file they are at when the job is killed", "fcntl F_SETSIG"):
        end_with_owner()
    with _without("parsers run without a memory limit, so that a document may use up the job's", "setrlimit"):
        _limit(resource.RLIMIT_DATA, memory_bytes)
        _limit(resource.RLIMIT_CORE, 0)
    with _without("time is limited by the job alone, for any PDF or picture to that of the longest scan", "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler would wait for a parser that hangs in C


def what_is_refused() -> tuple[str, ...]:
    """What this child does without, a line each."""
    return tuple(_refused)


@contextmanager
def _without(consequence: str, call: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # setrlimit raises ValueError for EPERM
        _refused.append(f"{consequence}: {call} is refused here ({getattr(error, 'strerror', None) or error})")


def _limit(kind: int, wanted: int) -> None:
    """For RLIMIT_DATA: private writable memory.

    The address space as a whole would count mapped libraries and reservations that thread pools and allocators never
    touch, so no value of it both lets OCR run and stops a document that eats memory. macOS accepts it and ignores it.
    """
    _, most = resource.getrlimit(kind)
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(kind, (allowed, allowed))


def failure_of(path: Path, reason: str, exception_type: str, limit: str | None = None) -> Failure:
    """Of a file whose parser could not say it itself, so that its extension must tell which one it was."""
    return Failure(reason, exception_type, parser_name(FORMATS.get(path.suffix.lower())), limit)


def out_of_time(path: Path, seconds: float) -> Failure:
    """For a parser that did not end in time."""
    return failure_of(path, f"took longer than {seconds:g} s", TimeoutError.__name__, "timeout_s")


def death_of(path: Path, exitcode: int | None, limits: ParseLimits, memory: MemoryLimit) -> Failure | None:
    """The limit that ended a child; None where something else did."""
    if exitcode == OUT_OF_MEMORY:
        met = "memory_bytes" if memory.place_bytes is None else MEMORY_HERE
        return failure_of(path, memory.reason, MemoryError.__name__, met)
    if exitcode == -signal.SIGALRM:
        return out_of_time(path, limits.timeout_s)
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
