"""Answers in progress: limits, deadline, keys, hang-ups, and what is recorded."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ragops.answers.chain.types import Query
from ragops.errors import UserError
from ragops.serving.model.registered import ChainVersion
from ragops.serving.server import answers
from ragops.serving.server.answers import Abandoned, Answers, Run
from ragops.serving.server.limits import Slots
from ragops.serving.server.types import Answered, Answering, Refused

DONE = Answered("At twenty to eight.", (), {})
QUESTION = Query("When does the ferry leave?", who="jane")


class Stage:
    """A backend whose answers wait for `go`, write two pieces and end; counts those that were closed early."""

    version = ChainVersion("main.rag.chain", "1")

    def __init__(self, error: Exception | None = None) -> None:
        self.go, self.begun, self.abandoned, self.error = threading.Event(), threading.Event(), 0, error

    def stream(self, query: Query) -> Answering:
        self.begun.set()
        try:
            while not self.go.wait(0.005):
                yield ""
            if self.error:
                raise self.error
            yield "At twenty"
            yield " to eight."
        except GeneratorExit:
            self.abandoned += 1
            raise
        return DONE


def service(
    stage: Stage,
    record: Callable[[Run, Answered], None] = lambda run, answered: None,
    deadline_s: float = 60,
    **slots: int,
) -> Answers:
    @contextmanager
    def use() -> Iterator[Any]:
        yield stage

    return Answers(use, Slots(slots.get("concurrent", 2), slots.get("queue", 2)), deadline_s, record)


def running(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(bounded())


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_an_answer_comes_in_pieces_and_is_recorded_before_its_end() -> None:
    recorded: list[tuple[str, bool]] = []

    async def work() -> None:
        stage = Stage()
        stage.go.set()
        run = service(stage, lambda run, answered: recorded.append((run.answer_id, run.ended))).start(QUESTION)
        assert "".join([piece async for piece in run.pieces(10)]) == "At twenty to eight."
        assert await run.result() is DONE and run.version == stage.version
        assert recorded == [(run.answer_id, False)] and run.answer_id.startswith("resp_")
        assert run.queue_seconds is not None and run.queue_seconds >= 0
        run.leave()

    running(work)


def test_an_answer_that_cannot_be_recorded_is_given_and_counted() -> None:
    def full(run: Run, answered: Answered) -> None:
        raise UserError("volume: full; free space")

    async def work() -> None:
        stage = Stage()
        stage.go.set()
        made = service(stage, full)
        assert await made.start(QUESTION).result() is DONE
        assert made.unrecorded == 1

    running(work)


def test_the_last_client_that_leaves_abandons_the_answer_and_frees_its_slot() -> None:
    async def work() -> None:
        stage = Stage()
        made = service(stage)
        run = made.start(QUESTION, "key")
        again = made.start(QUESTION, "key")
        assert again is run
        await run.begun()
        run.leave()
        assert not run.stopped.is_set(), "another client still waits"
        run.leave()
        await until(lambda: made.in_progress == 0)
        assert stage.abandoned == 1 and isinstance(run.error, Abandoned)

    running(work)


def test_a_question_that_waits_for_a_slot_gives_its_place_back_when_its_client_leaves() -> None:
    async def work() -> None:
        stage = Stage()
        made = service(stage, concurrent=1, queue=1)
        first, second = made.start(QUESTION), made.start(QUESTION)
        with pytest.raises(Refused):
            made.start(QUESTION)
        await first.begun()
        second.leave()
        await until(lambda: made.in_progress == 1)
        third = made.start(QUESTION)
        stage.go.set()
        assert await third.result() is DONE

    running(work)


def test_a_client_that_leaves_at_once_leaves_no_place_taken() -> None:
    async def work() -> None:
        made = service(Stage())
        made.start(QUESTION).leave()
        await until(lambda: made.in_progress == 0)

    running(work)


def test_the_deadline_ends_an_answer_with_504(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "GRACE_S", 0.0)

    async def work() -> None:
        stage = Stage()
        made = service(stage, deadline_s=0.05)
        run = made.start(QUESTION)
        with pytest.raises(Refused, match="not finished within") as late:
            await run.result()
        assert late.value.status == 504
        await until(lambda: made.in_progress == 0)
        assert stage.abandoned == 1

    running(work)


def test_an_answer_that_ends_after_its_last_client_has_gone_is_not_recorded() -> None:
    recorded: list[str] = []

    class Last(Stage):
        """Ends as soon as it may, whether or not anybody waits."""

        def stream(self, query: Query) -> Answering:
            self.begun.set()
            self.go.wait()
            yield from ()
            return DONE

    async def work() -> None:
        stage = Last()
        made = service(stage, lambda run, answered: recorded.append(run.answer_id))
        run = made.start(QUESTION)
        await run.begun()
        run.leave()
        stage.go.set()
        await until(lambda: made.in_progress == 0)
        assert recorded == [] and isinstance(run.error, Abandoned)

    running(work)


def test_a_key_gives_the_same_answer_again_and_belongs_to_one_user_and_question() -> None:
    async def work() -> None:
        stage = Stage()
        stage.go.set()
        made = service(stage)
        first = made.start(QUESTION, "key")
        await first.result()
        assert made.start(QUESTION, "key") is first
        assert made.start(Query(QUESTION.text, who="john"), "key") is not first
        with pytest.raises(Refused, match="belongs to another question") as refused:
            made.start(Query("Another question?", who="jane"), "key")
        assert refused.value.status == 409

    running(work)


def test_a_failed_answer_is_not_repeated_under_its_key() -> None:
    async def work() -> None:
        stage = Stage(UserError("Model served: it is down; start it"))
        stage.go.set()
        made = service(stage)
        with pytest.raises(UserError, match="it is down"):
            await made.start(QUESTION, "key").result()
        stage.error = None
        assert await made.start(QUESTION, "key").result() is DONE

    running(work)


def test_an_unexpected_error_ends_the_answer_and_frees_the_slot() -> None:
    async def work() -> None:
        stage = Stage(KeyError("x"))
        stage.go.set()
        made = service(stage)
        with pytest.raises(KeyError):
            await made.start(QUESTION).result()
        await until(lambda: made.in_progress == 0)

    running(work)


def test_a_wait_without_a_piece_is_shown() -> None:
    async def work() -> None:
        run = Run(QUESTION)
        pieces = run.pieces(0.01)
        assert await anext(pieces) == ""
        run.add("At")
        assert await anext(pieces) == "At"

    running(work)
