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
    """Bounds for one document; sizes in bytes, time in seconds. The defaults suit a laptop with 8 GB."""

    max_bytes: int = 100 * MIB
    """Size of the file itself."""
    max_unpacked_bytes: int = 512 * MIB
    """Sum of what a zipped format (docx, pptx, xlsx) unpacks to."""
    max_entries: int = 10_000
    """Files inside a zipped format."""
    max_ratio: int = 200
    """Unpacked to packed size of a zipped format that unpacks to more than 32 MiB."""
    max_pages: int = 2_000
    """Pages of a PDF, slides, or frames of an image."""
    max_pixels: int = 50_000_000
    """Width times height of an image."""
    max_characters: int = 20_000_000
    """Length of the Markdown that comes out."""
    max_ocr_pages: int = 100
    """Pages of a document that are pictures: each takes OCR some seconds."""
    timeout_s: float = 60.0
    """Wall time in the parser; the OCR of each page has as much again for itself."""
    memory_bytes: int = 2048 * MIB
    """Private writable memory of the process that parses, its libraries and models included."""

    @property
    def longest_s(self) -> float:
        """Wall time that the slowest document allowed may take, in seconds."""
        return self.timeout_s * (1 + self.max_ocr_pages)


_FORK_SERVER_BYTES = 32 * MIB  # with the resource tracker of multiprocessing: 17 MiB are theirs alone, 34 resident
_LEAST_BYTES = 256 * MIB  # with less no parser starts at all


@dataclass(frozen=True)
class MemoryLimit:
    """What one parser may have; `place_bytes`: the memory of the place, where that is what limits it."""

    limit_bytes: int
    place_bytes: int | None = None

    @property
    def reason(self) -> str:
        """Why a document that needs more has failed."""
        reason = f"needs more than {self.limit_bytes // MIB:,} MiB of memory"
        if self.place_bytes is None:
            return reason
        return f"{reason}, all that is left of the {self.place_bytes // MIB:,} MiB here; run this where there is more"


def memory_limit(configured: int, place: int, used: int, workers: int) -> MemoryLimit:
    """The limit of each of several parsers, in a place of which its owner uses some."""
    left = max((place - used) // workers, _LEAST_BYTES)
    return MemoryLimit(configured) if configured <= left else MemoryLimit(left, place)


def memory_used() -> int:
    """What this process and the one that forks its parsers need."""
    return int(psutil.Process().memory_info().rss) + _FORK_SERVER_BYTES


class TimeIsUp(BaseException):
    """Raised by `raise_time_is_up`. No Exception, which parsers catch."""


def raise_time_is_up(signum: int, frame: FrameType | None) -> None:
    """What the end of the time does where the process must live on. It waits until C code returns."""
    raise TimeIsUp


@contextmanager
def time_limit(
    seconds: float, at_end: Callable[[int, FrameType | None], None] | signal.Handlers = signal.SIG_DFL
) -> Iterator[None]:
    """Ends this process with SIGALRM, or calls `at_end`, unless the body is done in time; for the main thread.

    Afterwards an alarm that was set before is set again. Where timers are refused there is no limit.
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
    """Gives what follows `seconds` of its own, where a time limit is running at all."""
    with suppress(OSError):
        remaining, _ = signal.getitimer(signal.ITIMER_REAL)
        if remaining:
            _set(seconds)


def _set(seconds: float, interval: float = 0) -> tuple[float, float]:
    """Returns what was set before."""
    try:
        return signal.setitimer(signal.ITIMER_REAL, seconds, interval)
    except OSError:  # refused
        return 0, 0
