"""Batches that get kill -9 at random moments: whether every question has exactly one answer, its own, in the end.

`localbundle exec -t dev -- python -m tests.support.batch_kills SCHEMA --kills 20` prints one line of JSON.
"""

import json
import multiprocessing
import random
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ragops.answers.chain.types import AnswerSettings
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import Spool
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.answers.llms.types import Reply, Request
from ragops.platform.workspace import LEDGER, Workspace
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.chosen import working_copy
from ragops.serving.batch.finish import finish
from ragops.serving.batch.generate import generate_here
from ragops.serving.batch.plan import unanswered
from ragops.serving.batch.questions import read_questions
from ragops.serving.batch.retrieve import retrieve
from ragops.usecase import load_usecase
from tests.support.chains import FakeSearcher, chain
from tests.support.llms import ME, models, scripted

FORKS = multiprocessing.get_context("forkserver")
USE_CASE = Path(__file__).parents[2] / "usecase.yml"
QUESTIONS_A_RUN = 12
A_SLICE = 8
"""Several merges in each step: a kill may come between any two."""


class Echo(ScriptedModel):
    """Answers with the question and a citation, and takes a moment."""

    def generate(self, request: Request) -> Reply:
        time.sleep(0.05)
        return Reply(f"{request.question} indeed [1].", self.name, "scripted", 9, 9, 0.05, "stop")


@dataclass(frozen=True)
class Outcome:
    """What was killed and what became of it.

    Attributes:
        kills: runs that were killed under way.
        interrupted: those that left requests or replies to the next run.
        questions: asked in all.
        lost: questions without an answer.
        doubled: with several.
        wrong: with another's.
        left_over: requests and replies that are left at the end.
        calls: of the model.
    """

    kills: int
    interrupted: int
    questions: int
    lost: int
    doubled: int
    wrong: int
    left_over: int
    calls: int


def run_batch(schema: str) -> None:
    """All steps of the job in slices of `A_SLICE`."""
    workspace = Workspace("spark_catalog", schema)
    use_case = load_usecase(USE_CASE).model_copy(
        update={"models": models("m", [], scripted("m")), "answers": AnswerSettings(min_evidence=0.3)}
    )
    batch = Batch(workspace, working_copy(workspace, use_case))
    for table in (batch.tables.answers, batch.tables.requests, batch.tables.replies):
        table.create(workspace)
    finish(batch, A_SLICE)
    spool = Spool(workspace.volume(LEDGER))
    gateway = Gateway(batch.use_case.models, Policy("public"), lambda settings: Echo(("-",), "m"), spool)
    searcher = FakeSearcher(["The ferry leaves the north pier."])
    searching = replace(chain(searcher, gateway, settings=use_case.answers), prompt=batch.prompt)
    asked = read_questions(workspace, use_case, "asked")
    retrieve(batch, searching, unanswered(batch, asked, searcher.generation, 0, 3), A_SLICE)
    generate_here(batch, ME, gateway, A_SLICE)
    finish(batch, A_SLICE)


def kill_runs(workspace: Workspace, kills: int, seed: int = 20_261_130) -> Outcome:
    """Kills this many runs at random moments, each with new questions; the run after them must repair everything.

    A run that ends before its moment says how long runs take now: the first one waits for Spark to get warm.
    """
    FORKS.set_forkserver_preload([__name__])
    chance, killed, interrupted = random.Random(seed), 0, 0
    seconds: float | None = None
    workspace.spark.sql(f"CREATE TABLE {workspace.table('asked')} (question_id STRING, question STRING) USING delta")
    asked, run = 0, partial(run_batch, workspace.schema)
    while killed < kills:
        asked, began = _ask(workspace, asked), time.perf_counter()
        code = _in_a_fork(run, chance.random() * seconds if seconds else None)
        assert code in (0, -signal.SIGKILL), code
        if code:
            killed += 1
            interrupted += _left_over(workspace) > 0
        else:
            seconds = time.perf_counter() - began
    assert _in_a_fork(run) == 0
    return _outcome(workspace, killed, interrupted, asked)


def _ask(workspace: Workspace, asked: int) -> int:
    new = range(asked, asked + QUESTIONS_A_RUN)
    rows = ", ".join(f"('q{number}', 'Does ferry number {number} leave?')" for number in new)
    workspace.spark.sql(f"INSERT INTO {workspace.table('asked')} VALUES {rows}")
    return asked + QUESTIONS_A_RUN


def _in_a_fork(work: Callable[[], None], seconds: float | None = None) -> int | None:
    """Runs the work in a process, which is killed after these seconds; returns its exit code."""
    process = FORKS.Process(target=work)
    process.start()
    process.join(seconds)
    if seconds is not None:
        process.kill()
        process.join()
    return process.exitcode


def _left_over(workspace: Workspace) -> int:
    tables = ("batch_answers_requests", "batch_answers_replies")
    return sum(workspace.spark.table(workspace.table(name)).count() for name in tables)


def _outcome(workspace: Workspace, kills: int, interrupted: int, asked: int) -> Outcome:
    rows = workspace.spark.table(workspace.table("batch_answers")).collect()
    found: dict[str, list[str]] = {f"q{number}": [] for number in range(asked)}
    for row in rows:
        found[row["question_id"]].append(row["answer"])
    right = {f"q{number}": f"Does ferry number {number} leave? indeed" for number in range(asked)}
    return Outcome(
        kills=kills,
        interrupted=interrupted,
        questions=asked,
        lost=sum(not answers for answers in found.values()),
        doubled=sum(len(answers) > 1 for answers in found.values()),
        wrong=sum(not answers[0].startswith(right[key]) for key, answers in found.items() if answers),
        left_over=_left_over(workspace),
        calls=sum(len(file.read_text().splitlines()) for file in workspace.volume(LEDGER).glob("*.jsonl")),
    )


def main(schema: str, kills: Annotated[int, typer.Option(help="Number of runs to kill.")] = 20) -> None:
    """Prints the outcome in a new schema."""
    workspace = Workspace("spark_catalog", schema)
    workspace.create_schema()
    print(json.dumps(asdict(kill_runs(workspace, kills))), flush=True)


if __name__ == "__main__":
    typer.run(main)
