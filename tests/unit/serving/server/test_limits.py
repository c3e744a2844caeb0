"""How much the server takes on at once."""

import asyncio

import pytest

from ragops.serving.server.limits import Slots
from ragops.serving.server.types import Refused


def test_beyond_slots_and_queue_a_question_is_refused_with_the_time_to_wait() -> None:
    slots = Slots(2, 1)
    for _ in range(3):
        slots.admit()
    with pytest.raises(Refused, match="2 questions are being answered and 1 wait") as refused:
        slots.admit()
    assert (refused.value.status, refused.value.code) == (429, "too_many_requests")
    assert refused.value.retry_after_s is not None and 1 <= refused.value.retry_after_s <= 60
    slots.leave()
    slots.admit()
    assert slots.admitted == 3


def test_no_more_than_the_slots_are_taken_at_once() -> None:
    async def peak() -> int:
        slots, now, most = Slots(3, 100), 0, 0

        async def work() -> None:
            nonlocal now, most
            async with slots.hold():
                now += 1
                most = max(most, now)
                await asyncio.sleep(0)
                now -= 1

        await asyncio.gather(*(work() for _ in range(20)))
        return most

    assert asyncio.run(peak()) == 3
