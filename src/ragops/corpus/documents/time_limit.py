"""The time limit of a file, kept by the kernel: in a child process it also ends a parser that hangs in C."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType


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


def restart(seconds: float) -> None:
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
