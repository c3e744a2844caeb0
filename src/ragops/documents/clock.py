"""The time limit of a file, kept by the kernel: it also ends a parser that hangs in C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Ends this process with SIGALRM unless the body is done in time; for child processes, in their main thread."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def restart(seconds: float) -> None:
    """Gives what follows `seconds` of its own, where a time limit is running at all."""
    remaining, _ = signal.getitimer(signal.ITIMER_REAL)
    if remaining:
        signal.setitimer(signal.ITIMER_REAL, seconds)
