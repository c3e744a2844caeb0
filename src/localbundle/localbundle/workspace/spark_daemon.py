"""The process that Spark forks its Python workers from (`spark.python.daemon.module`): pyspark's own, ending when idle.

Spark starts one for each session that runs Python and keeps it until the server ends, so on a workspace that stays up
every notebook would leave a process behind. This one ends when it has no workers; Spark starts another when needed.
"""

import os
import signal
import sys

import psutil

_CHECK_SECONDS = 120.0


def main() -> None:
    """Runs until Spark ends it, or until a check finds no worker."""
    # Spark adds pyspark to the path a second time, as a zip that Python compiles again in every process.
    sys.path[:] = [folder for folder in sys.path if not folder.endswith("pyspark.zip")]
    from pyspark.daemon import manager

    signal.signal(signal.SIGALRM, _exit_without_workers)
    signal.setitimer(signal.ITIMER_REAL, _CHECK_SECONDS, _CHECK_SECONDS)  # workers do not inherit it
    manager()


def _exit_without_workers(signum: int, frame: object) -> None:
    if not psutil.Process().children():
        os._exit(0)


if __name__ == "__main__":
    main()
