"""What the task embed took of its GPUs: a row of `metrics` for each run of it that used some."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ragops.platform.workspace import Workspace
from ragops.quality.criteria.rows import Origin
from ragops.quality.criteria.store import add_rows

GPU_HOURS = "gpu_hours"
_HOUR_S = 3600.0


@contextmanager
def recorded_gpu_hours(workspace: Workspace, gpus: int) -> Iterator[None]:
    """Records the GPU hours of what is done inside, also if it fails: GPUs are paid for nevertheless.

    That is less than a provider bills: the cluster's start and end, and a run that was killed, are not in it.

    Args:
        workspace: with the table `metrics`.
        gpus: the number of GPUs in use meanwhile; for 0 nothing is recorded.

    Raises:
        UserError: the table cannot be written.
    """
    started = time.monotonic()
    try:
        yield
    finally:
        if gpus:
            hours = gpus * (time.monotonic() - started) / _HOUR_S
            add_rows(workspace, [Origin("refresh").metric(GPU_HOURS, hours, gpus)])
