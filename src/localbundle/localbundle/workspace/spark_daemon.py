"""What Spark forks its Python workers from (`spark.python.daemon.module`): pyspark's own daemon, for a long life.

Spark starts one for each session that runs Python and keeps it until the server ends, so on a workspace that stays up
every notebook would leave a process behind. This one ends when it has no workers; Spark starts another when it must.
"""

import os
import signal
import sys

import psutil

_LOOKS_EVERY_S = 120.0


def main() -> None:
    """Runs until Spark ends it, or until a look finds no worker."""
    # Spark puts pyspark first on the path once more, as a zip that Python compiles anew in every process.
    sys.path[:] = [place for place in sys.path if not place.endswith("pyspark.zip")]
    from pyspark.daemon import manager

    signal.signal(signal.SIGALRM, _leave_when_alone)
    signal.setitimer(signal.ITIMER_REAL, _LOOKS_EVERY_S, _LOOKS_EVERY_S)  # workers do not inherit it
    manager()


def _leave_when_alone(signum: int, frame: object) -> None:
    if not psutil.Process().children():
        os._exit(0)


if __name__ == "__main__":
    main()
