"""What one document may cost before it is quarantined, and how its time and memory are limited."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

import psutil

MIB = 1024 * 1024


@dataclass(frozen=True)
class ParseLimits:
    """Limits for one document. The defaults suit a laptop with 8 GB of memory."""

    max_bytes: int = 100 * MIB
    """Size of the file itself, in bytes."""
    max_unpacked_bytes: int = 512 * MIB
    """Total unpacked size of a zipped format (docx, pptx, xlsx), in bytes."""
    max_entries: int = 10_000
    """Number of files inside a zipped format."""
    max_ratio: int = 200
    """Ratio of unpacked to packed size, for zipped formats that unpack to more than 32 MiB."""
    max_pages: int = 2_000
    """Number of pages of a PDF, or of slides."""
    max_pixels: int = 50_000_000
    """Width times height of an image, in pixels."""
    max_characters: int = 20_000_000
    """Length of the resulting Markdown, in characters."""
    max_ocr_pages: int = 100
    """Number of pages of a PDF that are images, or frames of an image: OCR takes some seconds for each."""
    timeout_s: float = 60.0
    """Wall time in the parser, in seconds; the OCR of each page has the same time of its own."""
    memory_bytes: int = 2048 * MIB
    """Private writable memory of the parser process, including its libraries and models, in bytes."""

    @property
    def longest_s(self) -> float:
        """Maximum wall time of one document with OCR, in seconds."""
        return self.timeout_s * (1 + self.max_ocr_pages)


_FORK_SERVER_BYTES = 32 * MIB  # with multiprocessing's resource tracker: 17 MiB unshared, 34 resident
_LEAST_BYTES = 256 * MIB  # no parser starts with less


@dataclass(frozen=True)
class MemoryLimit:
    """The memory limit of one parser; `machine_bytes` is the machine's memory if that is what limits it."""

    limit_bytes: int
    machine_bytes: int | None = None

    @property
    def reason(self) -> str:
        """Why a document that needs more memory has failed."""
        reason = f"needs more than {self.limit_bytes // MIB:,} MiB of memory"
        if self.machine_bytes is None:
            return reason
        return f"{reason}, the remainder of this machine's {self.machine_bytes // MIB:,} MiB; use a machine with more"


def memory_limit(configured: int, machine: int, used: int, workers: int) -> MemoryLimit:
    """The limit of each of `workers` parsers on a machine whose memory is partly used."""
    left = max((machine - used) // workers, _LEAST_BYTES)
    return MemoryLimit(configured) if configured <= left else MemoryLimit(left, machine)


def memory_used() -> int:
    """Memory of this process and of the fork server, in bytes."""
    return int(psutil.Process().memory_info().rss) + _FORK_SERVER_BYTES


class TimeIsUp(BaseException):
    """Raised by `raise_time_is_up`. Not an Exception, since parsers catch those."""


def raise_time_is_up(signum: int, frame: FrameType | None) -> None:
    """Signal handler for processes that must survive the time limit; runs when C code has returned."""
    raise TimeIsUp


@contextmanager
def time_limit(
    seconds: float, at_end: Callable[[int, FrameType | None], None] | signal.Handlers = signal.SIG_DFL
) -> Iterator[None]:
    """Ends this process with SIGALRM, or calls `at_end`, unless the body finishes in time. For the main thread only.

    The kernel keeps the limit, so in a child process it also ends a parser that hangs in C. An earlier alarm is
    restored afterwards. Where timers are not permitted there is no limit.
    """
    previous = signal.signal(signal.SIGALRM, at_end)
    before = _set(seconds)
    try:
        yield
    finally:
        _set(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if previous is None else previous)
        _set(*before)


def restart_time_limit(seconds: float) -> None:
    """Restarts a running time limit with `seconds`; does nothing if none is running."""
    with suppress(OSError):
        remaining, _ = signal.getitimer(signal.ITIMER_REAL)
        if remaining:
            _set(seconds)


def _set(seconds: float, interval: float = 0) -> tuple[float, float]:
    """Sets the timer; returns the previous values."""
    try:
        return signal.setitimer(signal.ITIMER_REAL, seconds, interval)
    except OSError:  # not permitted
        return 0, 0
