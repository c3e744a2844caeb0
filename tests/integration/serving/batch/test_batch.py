"""Batches on real Delta: what is asked, answered, refused, tried again and never asked twice."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.types import AnswerSettings
from ragops.answers.llms.errors import ServerFault
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import MemorySink, Spool
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.errors import UserError
from ragops.platform.merge import StageReport
from ragops.platform.workspace import LEDGER, Workspace
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.finish import finish
from ragops.serving.batch.generate import HOPELESS, generate_here, generate_in_workers, pending
from ragops.serving.batch.plan import expectation, unanswered
from ragops.serving.batch.questions import read_questions
from ragops.serving.batch.replies import Generated
from ragops.serving.batch.retrieve import retrieve
from ragops.serving.batch.workers import Recorded
from ragops.usecase import UseCase, load_usecase
from tests.support.chains import FakeSearcher, chain
from tests.support.llms import ME, models, scripted

QUESTION = "When does the ferry leave the north pier?"
PASSAGE = "The ferry leaves the north pier at twenty to eight."
ANSWER = "The ferry leaves the north pier at twenty to eight [1]."


class Setting:
    """One batch in a workspace, with a scripted model and given passages."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace, self.sink, self.similarity = workspace, MemorySink(), 0.6
        self.replies: Sequence[str | UserError] = [ANSWER]
        self.searcher = FakeSearcher([PASSAGE])
        self.use_case: UseCase = load_usecase(Path("usecase.yml")).model_copy(
            update={
                "models": models("m", [], scripted("m", price_per_million_output=1), resilience={"attempts": 1}),
                "answers": AnswerSettings(min_evidence=0.3),
            }
        )

    @property
    def batch(self) -> Batch:
        return Batch.of(self.workspace, self.use_case, output="replies_to_people")

    def ask(self, *rows: tuple[Any, ...], schema: str = "question_id STRING, question STRING") -> None:
        frame = self.workspace.spark.createDataFrame(list(rows), schema)
        frame.write.mode("overwrite").option("overwriteSchema", "true").saveAsTable(self.workspace.table("asked"))

    @property
    def chain(self) -> Chain:
        model = ScriptedModel(self.replies, "m")
        opened = Gateway(self.batch.use_case.models, Policy("public"), lambda settings: model, self.sink)
        return replace(chain(self.searcher, opened, settings=self.use_case.answers), prompt=self.batch.prompt)

    def retrieve(self, limit: int = 0, max_attempts: int = 3) -> StageReport:
        batch = self.batch
        for table in (batch.tables.answers, batch.tables.requests, batch.tables.replies):
            table.create(self.workspace)
        asked = read_questions(self.workspace, self.use_case, "asked")
        wanted = unanswered(batch, asked, self.searcher.generation, limit, max_attempts)
        return retrieve(batch, self.chain, wanted)

    def run(self, limit: int = 0, max_attempts: int = 3) -> tuple[StageReport, Generated, StageReport]:
        return (
            self.retrieve(limit, max_attempts),
            generate_here(self.batch, ME, self.chain.gateway),
            finish(self.batch),
        )

    def answers(self) -> dict[str, dict[str, Any]]:
        rows = self.batch.tables.answers.read(self.workspace).collect()
        assert len({row["answer_id"] for row in rows}) == len(rows)
        return {str(row["question_id"]): row.asDict() for row in rows}


@pytest.fixture
def setting(workspace: Workspace) -> Setting:
    return Setting(workspace)


def test_questions_are_answered_once_and_the_working_tables_are_empty_afterwards(setting: Setting) -> None:
    setting.ask(("a", QUESTION), ("b", "Which ferry is it?"), ("b", "Which ferry is it?"))
    searched, made, checked = setting.run()
    assert (searched.added, made.replies, made.failed, checked.added) == (2, 2, 0, 2)
    row = setting.answers()["a"]
    assert (row["outcome"], row["answer"], row["cited"], row["paths"]) == ("answered", ANSWER, ["c1"], ["p1.md"])
    assert (row["attempts"], row["model"], row["error"], row["generation"]) == (1, "m", None, "g-000001")
    assert row["cost"] > 0 and '"sources"' in row["outputs"] and row["prompt"].startswith("cite_or_abstain@")
    searched, made, checked = setting.run()
    assert (searched.read, made.replies, checked.read) == (0, 0, 0)
    assert {row.purpose for row in setting.sink.rows} == {ME.purpose} and len(setting.sink.rows) == 2
    assert setting.batch.tables.requests.read(setting.workspace).isEmpty()
    assert setting.batch.tables.replies.read(setting.workspace).isEmpty()


def test_faulty_rows_get_an_error_and_cost_the_others_nothing(setting: Setting) -> None:
    rows = [
        ("good", QUESTION), ("empty", "  "), ("nothing", None), ("huge", "x" * 4001), (None, "Who?"), (None, "Where?"),
        ("twice", "One?"), ("twice", "Two?"), ("control", "a\x00b"),
    ]  # fmt: skip
    setting.ask(*rows)
    setting.workspace.spark.sql(
        f"INSERT INTO {setting.workspace.table('asked')} SELECT 'binary', cast(X'ff00fe' AS STRING)"
    )
    setting.run()
    found = setting.answers()
    assert {key: row["outcome"] for key, row in found.items() if row["outcome"] != "refused"} == {"good": "answered"}
    expected = {
        "empty": "empty", "nothing": "empty", "huge": "4,001 characters", "None": "missing in 2 rows",
        "twice": "2 different questions", "control": "U+0000", "binary": "UTF-8",
    }  # fmt: skip
    assert expected.keys() | {"good"} == found.keys()
    for key, words in expected.items():
        assert words in found[key]["error"] and found[key]["answer"] is None
    assert len(setting.sink.rows) == 1
    assert setting.run()[0].read == 0
    setting.ask(("twice", "One?"), ("empty", QUESTION))
    assert setting.run()[0].added == 2
    assert {setting.answers()[key]["outcome"] for key in ("twice", "empty")} == {"answered"}


def test_without_evidence_no_model_is_asked(setting: Setting) -> None:
    setting.searcher = FakeSearcher([PASSAGE], similarity=0.1)
    setting.ask(("a", QUESTION))
    setting.run()
    row = setting.answers()["a"]
    assert (row["outcome"], row["abstained"], row["model"]) == ("abstained", "no evidence", "")
    assert setting.sink.rows == []


def test_a_failure_is_a_row_and_is_tried_again_up_to_the_limit(setting: Setting) -> None:
    setting.ask(("a", QUESTION))
    setting.replies = [ServerFault("Model m: it is down")]
    setting.run(max_attempts=1)
    row = setting.answers()["a"]
    assert (row["outcome"], row["attempts"], row["error"]) == ("failed", 1, "Model m: it is down")
    assert setting.retrieve(max_attempts=1).read == 0
    setting.replies = [ANSWER]
    setting.run(max_attempts=2)
    row = setting.answers()["a"]
    assert (row["outcome"], row["attempts"], row["error"]) == ("answered", 2, None)


def test_an_edited_question_or_another_chain_is_answered_again(setting: Setting) -> None:
    setting.ask(("a", QUESTION))
    setting.run()
    setting.ask(("a", QUESTION + " Really?"))
    assert setting.run()[2].changed == 1
    assert setting.answers()["a"]["question"].endswith("Really?")
    setting.use_case = setting.use_case.model_copy(update={"answers": AnswerSettings(max_tokens=17)})
    assert setting.run()[2].added == 1
    assert setting.batch.tables.answers.read(setting.workspace).count() == 2


def test_every_row_is_searched_for_its_own_groups(setting: Setting) -> None:
    corpus = setting.use_case.corpus.model_copy(update={"groups": ("hr", "legal")})
    setting.use_case = setting.use_case.model_copy(update={"corpus": corpus})
    setting.ask(
        ("a", QUESTION, ["legal", "hr", "hr", None]), ("b", QUESTION, None), ("c", QUESTION, ["pirates"]),
        schema="question_id STRING, question STRING, groups ARRAY<STRING>",
    )  # fmt: skip
    setting.run()
    assert sorted(groups for _, groups in setting.searcher.asked) == [(), ("hr", "legal")]
    assert "pirates" in setting.answers()["c"]["error"]
    setting.ask(("a", QUESTION, ["hr"]), schema="question_id STRING, question STRING, groups ARRAY<STRING>")
    setting.run()
    assert setting.answers()["a"]["groups"] == ["hr"] and setting.searcher.asked[-1][1] == ("hr",)


def test_a_limit_is_continued_by_the_next_run(setting: Setting) -> None:
    setting.ask(*((f"q{number}", QUESTION) for number in range(3)))
    assert [setting.run(limit=2)[2].added for _ in range(2)] == [2, 1]


def test_requests_of_an_older_index_or_chain_are_searched_again(setting: Setting) -> None:
    setting.ask(("a", QUESTION), ("b", QUESTION))
    setting.retrieve()
    setting.searcher.generation = "g-000002"
    setting.ask(("a", QUESTION))
    assert (setting.retrieve().added, pending(setting.batch).count()) == (1, 1)
    setting.run()
    assert setting.answers()["a"]["generation"] == "g-000002"


def test_a_model_that_only_fails_stops_the_run_before_it_uses_up_all_attempts(setting: Setting) -> None:
    setting.ask(*((f"q{number}", QUESTION) for number in range(3 * HOPELESS)))
    setting.replies = [ServerFault("Model m: it is down")]
    setting.retrieve()
    with pytest.raises(UserError, match=f"the first {HOPELESS} requests all failed .*down"):
        generate_here(setting.batch, ME, setting.chain.gateway)
    assert pending(setting.batch).count() == 2 * HOPELESS


@pytest.mark.parametrize("step", ["retrieve", "generate"])
def test_a_run_that_ends_in_any_step_is_continued(setting: Setting, step: str) -> None:
    setting.ask(*((f"q{number}", f"{QUESTION} {number}") for number in range(20)))
    steps: dict[str, Callable[[], object]] = {
        "retrieve": setting.retrieve,
        "generate": lambda: generate_here(setting.batch, ME, setting.chain.gateway),
        "check": lambda: finish(setting.batch),
    }
    for name, run in steps.items():
        run()
        if name == step:
            break
    setting.run()
    assert len(setting.answers()) == 20 and len(setting.sink.rows) == 20


def test_workers_ask_each_request_once_and_a_worker_s_error_is_one_line(setting: Setting) -> None:
    setting.ask(*((f"q{number}", f"{QUESTION} {number}") for number in range(30)))
    setting.retrieve()
    folder, settings = setting.workspace.volume(LEDGER), setting.batch.model

    def unavailable() -> Any:
        from ragops.answers.llms.errors import Unavailable

        raise Unavailable("Model m: no GPU left")

    with pytest.raises(UserError, match="^Model m: no GPU left$"):
        generate_in_workers(setting.batch, unavailable, gpus=2)

    def opened() -> Recorded:  # all names are local: Spark's workers cannot import this module
        from ragops.answers.llms.types import Reply

        class Engine:
            def generate_many(self, requests: list) -> list:
                return [Reply(f"{one.question} indeed [1].", "m", "scripted", 1, 1, 0.1, "stop") for one in requests]

            def close(self) -> None: ...

        return Recorded(Engine(), settings, caller, Spool(folder, 100))

    caller = ME
    made = generate_in_workers(setting.batch, opened, gpus=2)
    assert (made.replies, made.failed, made.gpus, pending(setting.batch).count()) == (30, 0, 2, 0)
    calls = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    assert (len(calls), len(list(folder.glob("*.jsonl")))) == (30, 2)
    finish(setting.batch)
    for key, row in setting.answers().items():
        assert row["answer"].startswith(f"{QUESTION} {key.removeprefix('q')} indeed")


def test_a_dry_run_expects_the_limits_then_what_was_measured(setting: Setting) -> None:
    setting.ask(("a", QUESTION), ("b", ""), ("c", "x" * 5000))
    batch = setting.batch
    batch.tables.answers.create(setting.workspace)
    asked = read_questions(setting.workspace, setting.use_case, "asked")
    wanted = unanswered(batch, asked, "g", 0, 3)
    first = expectation(batch, asked, wanted)
    assert (first.rows, first.to_answer, first.refused, first.measured) == (3, 3, 1, 0)
    assert (first.tokens_written, first.cost) == (256, 256e-6)
    setting.run()
    second = expectation(batch, asked, wanted)
    assert (second.measured, second.to_answer) == (1, 0) and second.tokens_written < 256


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("question_id STRING, text STRING", "it has no column question"),
        ("question STRING", "it has no column question_id"),
        ("question_id STRING, question BINARY", "column question has type binary"),
        ("question_id STRING, question STRING, groups STRING", "column groups has type string"),
    ],
)
def test_a_table_of_other_columns_is_refused(setting: Setting, schema: str, said: str) -> None:
    setting.ask(schema=schema)
    with pytest.raises(UserError, match=f"table asked: {said}") as raised:
        read_questions(setting.workspace, setting.use_case, "asked")
    assert "\n" not in str(raised.value)


def test_a_missing_table_is_refused_with_a_way_to_make_one(setting: Setting) -> None:
    with pytest.raises(UserError, match="no table nowhere; make one .CREATE TABLE nowhere AS SELECT"):
        read_questions(setting.workspace, setting.use_case, "nowhere")


def test_the_questions_of_the_use_case_are_a_table_too(setting: Setting) -> None:
    assert read_questions(setting.workspace, setting.use_case, "evaluation").count() == 304
