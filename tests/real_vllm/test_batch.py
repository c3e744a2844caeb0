"""The steps of the job answer_batch with a real vLLM inside Spark's workers, on the CPU: `make test-vllm`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragops.answers.chain.types import AnswerSettings
from ragops.answers.llms.errors import Unavailable
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.ledger.stage import merge_ledger
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.settings import Models
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.chosen import working_copy
from ragops.serving.batch.finish import finish
from ragops.serving.batch.generate import generate_in_workers, pending
from ragops.serving.batch.plan import unanswered
from ragops.serving.batch.retrieve import retrieve
from ragops.serving.batch.tables import BatchTables
from ragops.serving.batch.workers import engine_opener
from ragops.usecase import load_usecase
from tests.support.chains import FakeSearcher, chain
from tests.support.llms import ME

PASSAGES = [
    "The ferry leaves the north pier at twenty to eight.",
    "Tickets are sold on board; children under seven pay nothing.",
]
QUESTIONS = {
    "when": "When does the ferry leave the north pier?",
    "where": "Where are tickets for the ferry sold?",
    "children": "What do children under seven pay for a ticket?",
}


def batch_of(workspace: Workspace, source: Path | str, prompt: str = "cite_or_abstain", context: int = 2048) -> Batch:
    use_case = load_usecase(Path("usecase.yml"))
    model = {"name": "small", "provider": "vllm_offline", "source": str(source), "context_tokens": context}
    limits = {"max_tokens": 48, "gpu_memory_utilization": 0.3, "price_per_second": 0.001}
    models = Models.model_validate({"answer": {"primary": "small"}, "known": [model | limits]})
    changed = {
        "models": models,
        "answers": AnswerSettings(min_evidence=0.3, max_tokens=48),
        "prompts": use_case.prompts.model_copy(update={"answer": prompt}),
    }
    chain = working_copy(workspace, use_case.model_copy(update=changed))
    return Batch(workspace, chain, f"answers_{prompt}")


def ask(batch: Batch, questions: dict[str, str] = QUESTIONS) -> None:
    """Fills the table of requests."""
    tables = batch.tables
    for table in (tables.answers, tables.requests, tables.replies):
        table.create(batch.workspace)
    schema = "question_id STRING, question STRING, groups ARRAY<STRING>"
    rows = batch.workspace.spark.createDataFrame([(key, text, None) for key, text in questions.items()], schema)
    searcher = FakeSearcher(PASSAGES)
    gateway = Gateway(batch.use_case.models, Policy("public"), _unavailable, MemorySink())
    searching = replace(chain(searcher, gateway, settings=batch.use_case.answers), prompt=batch.prompt)
    retrieve(batch, searching, unanswered(batch, rows, searcher.generation, 0, 3))


def _unavailable(settings: object) -> Any:
    raise Unavailable("Model small: only workers have it")


def replies(tables: BatchTables, workspace: Workspace) -> list[dict[str, Any]]:
    return [row.asDict() for row in tables.replies.read(workspace).collect()]


def test_an_engine_in_a_worker_answers_and_every_call_is_in_the_ledger(workspace: Workspace, model: Path) -> None:
    batch = batch_of(workspace, model)
    ask(batch)
    made = generate_in_workers(batch, engine_opener(batch, ME), gpus=1)
    print(*made.lines(), sep="\n")
    assert (made.replies, made.failed, pending(batch).count()) == (3, 0, 0)
    assert made.tokens_written > 0 and made.cost > 0
    assert finish(batch).added == 3
    rows = {row["question_id"]: row for row in batch.tables.answers.read(workspace).collect()}
    assert {row["outcome"] for row in rows.values()} <= {"answered", "abstained"}
    assert all(row["model"] == "small" and row["completion_tokens"] > 0 for row in rows.values())
    print(*(f"{key}: {row['outcome']}: {row['answer']}" for key, row in rows.items()), sep="\n")
    assert merge_ledger(workspace).added == 3


def test_structured_output_is_json_and_a_question_that_is_too_long_fails_alone(
    workspace: Workspace, model: Path
) -> None:
    batch = batch_of(workspace, model, "structured", context=1024)
    ask(batch, QUESTIONS | {"long": "word " * 790})
    made = generate_in_workers(batch, engine_opener(batch, ME), gpus=1)
    assert (made.replies, made.failed) == (3, 1)
    found = replies(batch.tables, workspace)
    assert [row["is_refused"] for row in found if row["error"]] == [True]
    for row in found:
        if row["finish_reason"] == "stop":
            assert {"answerable", "answer", "citations"} >= json.loads(row["text"]).keys()
        elif row["text"]:
            assert row["text"].lstrip().startswith("{")
    finish(batch)
    rows = {row["question_id"]: row["outcome"] for row in batch.tables.answers.read(workspace).collect()}
    assert rows["long"] == "refused" and len(rows) == 4


def test_an_engine_that_does_not_start_is_one_line_and_costs_no_attempt(workspace: Workspace, tmp_path: Path) -> None:
    batch = batch_of(workspace, tmp_path)
    ask(batch)
    with pytest.raises(UserError, match=f"^Model small: vLLM cannot start {tmp_path} ") as raised:
        generate_in_workers(batch, engine_opener(batch, ME), gpus=1)
    assert "\n" not in str(raised.value)
    assert pending(batch).count() == 3
