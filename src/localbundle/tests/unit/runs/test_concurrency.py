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


def test_a_job_has_as_many_places_as_concurrent_runs(tmp_path) -> None:
    job = make_job(2)
    taken = rf"job j runs already \(run 1 of \S+ since .*, pid {os.getpid()}\).* is 2"

    async def runs() -> None:
        async with job_slot(tmp_path, job, 1, print), job_slot(tmp_path, job, 2, print):
            with pytest.raises(BundleError, match=taken):
                async with job_slot(tmp_path, job, 3, print):
                    pass
        async with job_slot(tmp_path, job, 4, print):
            pass

    asyncio.run(runs())


def test_with_a_queue_a_run_waits_for_the_one_before_and_names_it(tmp_path) -> None:
    result: list[str] = []
    order: list[str] = []

    async def run(number: int, has_begun: asyncio.Event) -> None:
        async with job_slot(tmp_path, make_job(1, queue=True), number, result.append):
            order.append(f"{number} begins")
            has_begun.set()
            await asyncio.sleep(0.3)
            order.append(f"{number} ends")

    async def both() -> None:
        begun = asyncio.Event()
        first = asyncio.create_task(run(1, begun))
        await begun.wait()
        await asyncio.gather(first, run(2, asyncio.Event()))

    asyncio.run(both())
    assert order == ["1 begins", "1 ends", "2 begins", "2 ends"]
    assert any(note.startswith("queued behind run 1 of") for note in result)
