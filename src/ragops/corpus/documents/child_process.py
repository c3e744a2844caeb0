"""The child process that parses: its resource limits, and how its failures are reported."""

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
"""Exit code of a child that reached its memory limit."""
_unavailable: list[str] = []


def start_child(memory_bytes: int) -> None:
    """Sets a new child's limits before it reads a file; `unavailable_limits` lists those a sandbox does not permit."""
    with _optional("parsers finish their current file when the job is killed", "fcntl F_SETSIG"):
        end_with_owner()
    with _optional("parsers run without a memory limit, so a document may exhaust the job's memory", "setrlimit"):
        _limit(resource.RLIMIT_DATA, memory_bytes)
        _limit(resource.RLIMIT_CORE, 0)
    with _optional("only the job limits time, and gives every PDF and image the time of the longest scan", "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler would wait for a parser that hangs in C


def unavailable_limits() -> tuple[str, ...]:
    """The limits that could not be set in this child, one line each."""
    return tuple(_unavailable)


@contextmanager
def _optional(consequence: str, call: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # setrlimit raises ValueError for EPERM
        reason = getattr(error, "strerror", None) or error
        _unavailable.append(f"{consequence}: {call} is not permitted here ({reason})")


def _limit(kind: int, wanted: int) -> None:
    """Sets a resource limit; RLIMIT_DATA limits private writable memory.

    RLIMIT_AS would also count mapped libraries and reservations that thread pools and allocators never touch, so no
    value of it allows OCR and still stops a document that exhausts memory. macOS accepts RLIMIT_DATA and ignores it.
    """
    _, most = resource.getrlimit(kind)
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(kind, (allowed, allowed))


def failure_of(path: Path, reason: str, exception_type: str, limit: str | None = None) -> Failure:
    """The failure of a parser that could not report it; the file's extension determines the parser's name."""
    return Failure(reason, exception_type, parser_name(FORMATS.get(path.suffix.lower())), limit)


def out_of_time(path: Path, seconds: float) -> Failure:
    """The failure of a parser that exceeded its time limit."""
    return failure_of(path, f"took longer than {seconds:g} s", TimeoutError.__name__, "timeout_s")


def death_of(path: Path, exitcode: int | None, limits: ParseLimits, memory: MemoryLimit) -> Failure | None:
    """The failure if a limit ended the child; None if something else did."""
    if exitcode == OUT_OF_MEMORY:
        met = "memory_bytes" if memory.machine_bytes is None else MEMORY_HERE
        return failure_of(path, memory.reason, MemoryError.__name__, met)
    if exitcode == -signal.SIGALRM:
        return out_of_time(path, limits.timeout_s)
    return None


def parse_in_child(parse: Parse, path: Path, limits: ParseLimits) -> ParsedDocument | Failure:
    """Runs `parse`. A child that runs out of memory exits, since its memory cannot be released reliably."""
    try:
        prepare(path)
        with time_limit(limits.timeout_s):
            return parse(path, limits)
    except Unparsable as error:
        return error.failure()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
