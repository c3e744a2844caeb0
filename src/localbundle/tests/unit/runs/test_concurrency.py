import asyncio
import os

import pytest
from localbundle.definitions.jobs import Job
from localbundle.errors import BundleError
from localbundle.runs.concurrency import job_slot


def make_job(limit: int, queue: bool = False) -> Job:
    return Job(
        key="j",
        name="j",
        tasks=(),
        parameters={},
        max_concurrent_runs=limit,
        queue=queue,
        timeout_seconds=0,
        libraries=(),
        ignored=(),
    )


def test_a_job_has_as_many_slots_as_concurrent_runs(tmp_path) -> None:
    job = make_job(2)
    in_use = rf"job j is already running \(run 1 of \S+ since .*, pid {os.getpid()}\).* is 2"

    async def runs() -> None:
        async with job_slot(tmp_path, job, 1, print), job_slot(tmp_path, job, 2, print):
            with pytest.raises(BundleError, match=in_use):
                async with job_slot(tmp_path, job, 3, print):
                    pass
        async with job_slot(tmp_path, job, 4, print):
            pass

    asyncio.run(runs())


def test_with_a_queue_a_run_waits_for_the_one_before_and_names_it(tmp_path) -> None:
    job = make_job(1, queue=True)
    order: list[str] = []

    async def first(has_begun: asyncio.Event, is_queued: asyncio.Event) -> None:
        async with job_slot(tmp_path, job, 1, print):
            has_begun.set()
            await is_queued.wait()
            order.append("1 ends")

    async def second(is_queued: asyncio.Event) -> None:
        def waiting(note: str) -> None:
            if note.startswith("queued behind run 1 of"):
                is_queued.set()

        async with job_slot(tmp_path, job, 2, waiting):
            order.append("2 begins")

    async def both() -> None:
        has_begun, is_queued = asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(first(has_begun, is_queued))
        await has_begun.wait()
        await asyncio.gather(running, second(is_queued))

    asyncio.run(both())
    assert order == ["1 ends", "2 begins"]
