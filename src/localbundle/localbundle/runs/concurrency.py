"""Limits how many runs of a job are active at the same time: `max_concurrent_runs`, and the queue."""

import asyncio
import contextlib
import fcntl
import getpass
import os
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import IO

from localbundle.definitions.jobs import Job
from localbundle.errors import BundleError

_POLL_SECONDS = 0.2


@contextlib.asynccontextmanager
async def job_slot(home: Path, job: Job, run_id: int, waiting: Callable[[str], None]) -> AsyncIterator[None]:
    """Occupies one of the job's `max_concurrent_runs` slots; with `queue` enabled waits for one.

    Raises:
        BundleError: all are taken and the job does not queue.
    """
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    files = [(folder / f"{job.key}.{number}.lock").open("a+") for number in range(job.max_concurrent_runs)]
    try:
        while not any(_try_lock(file, run_id) for file in files):
            holder = _holder(files[0])
            if not job.queue:
                raise BundleError(
                    f"job {job.key} is already running ({holder}) and max_concurrent_runs is "
                    f"{job.max_concurrent_runs}; wait for it, or set queue.enabled"
                )
            waiting(f"queued behind {holder}")
            await asyncio.sleep(_POLL_SECONDS)
        waiting("")
        yield
    finally:
        for file in files:
            file.close()


def _try_lock(file: IO[str], run_id: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    file.truncate(0)
    file.write(f"run {run_id} of {getpass.getuser()} since {datetime.now():%Y-%m-%d %H:%M:%S}, pid {os.getpid()}")
    file.flush()
    return True


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read() or "another run"
