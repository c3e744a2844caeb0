"""Batches on real Delta: what is asked, answered, refused, tried again and never asked twice."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.types import AnswerSettings
from ragops.answers.llms.errors import ServerFault
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import MemorySink, Spool
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.answers.llms.types import Request
from ragops.answers.retrieval.context import Context
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.errors import UserError
from ragops.platform.merge import StageReport
from ragops.platform.workspace import LEDGER, Workspace
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.finish import finish
from ragops.serving.batch.generate import HOPELESS, generate_here, generate_in_workers, pending
from ragops.serving.batch.plan import Expectation, expectation, unanswered
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


class Passages(FakeSearcher):
    """Finds one passage for every question; it does not match questions about the moon."""

    def context(
        self, question: str, count_tokens: TokenCounter, k: int | None = None, groups: Collection[str] = ()
    ) -> Context:
        self.asked.append((question, tuple(groups)))
        return FakeSearcher([PASSAGE], 0.1 if "moon" in question else 0.6).context(question, count_tokens)


class Setting:
    """One batch in a workspace, with a scripted model and given passages."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace, self.sink, self.searcher, self.down = workspace, MemorySink(), Passages([PASSAGE]), "broken"
        self.use_case: UseCase = load_usecase(Path("usecase.yml")).model_copy(
            update={
                "models": models("m", [], scripted("m", price_per_million_output=1), resilience={"attempts": 1}),
                "answers": AnswerSettings(min_evidence=0.3),
            }
        )
        corpus = self.use_case.corpus.model_copy(update={"groups": ("hr", "legal")})
        self.use_case = self.use_case.model_copy(update={"corpus": corpus})

    @property
    def batch(self) -> Batch:
        return Batch.of(self.workspace, self.use_case, output="replies_to_people")

    def ask(self, *rows: tuple[Any, ...], schema: str = "question_id STRING, question STRING") -> None:
        """Replaces the table of questions."""
        frame = self.workspace.spark.createDataFrame(list(rows), schema)
        frame.write.mode("overwrite").option("overwriteSchema", "true").saveAsTable(self.workspace.table("asked"))

    @property
    def chain(self) -> Chain:
        model = ScriptedModel(self._reply, "m")
        opened = Gateway(self.batch.use_case.models, Policy("public"), lambda settings: model, self.sink)
        return replace(chain(self.searcher, opened, settings=self.use_case.answers), prompt=self.batch.prompt)

    def _reply(self, request: Request) -> str:
        if self.down in request.question:
            raise ServerFault("Model m: it is down")
        return ANSWER

    def wanted(self, limit: int = 0, max_attempts: int = 3) -> DataFrame:
        asked = read_questions(self.workspace, self.use_case, "asked")
        return unanswered(self.batch, asked, self.searcher.generation, limit, max_attempts)

    def retrieve(self, limit: int = 0, max_attempts: int = 3) -> StageReport:
        tables = self.batch.tables
        for table in (tables.answers, tables.requests, tables.replies):
            table.create(self.workspace)
        return retrieve(self.batch, self.chain, self.wanted(limit, max_attempts))

    def generate(self) -> Generated:
        return generate_here(self.batch, ME, self.chain.gateway)

    def expectation(self) -> Expectation:
        asked = read_questions(self.workspace, self.use_case, "asked")
        return expectation(self.batch, asked, self.wanted(max_attempts=1))

    def run(self, limit: int = 0, max_attempts: int = 3) -> tuple[StageReport, Generated, StageReport]:
        return (
            self.retrieve(limit, max_attempts),
            self.generate(),
            finish(self.batch),
        )

    def answers(self) -> dict[str, dict[str, Any]]:
        rows = self.batch.tables.answers.read(self.workspace).collect()
        assert len({row["answer_id"] for row in rows}) == len(rows)
        return {str(row["question_id"]): row.asDict() for row in rows}


Run = tuple[StageReport, Generated, StageReport]
Answers = dict[str, dict[str, Any]]
WITH_GROUPS = "question_id STRING, question STRING, groups ARRAY<STRING>"
FIRST = [
    ("a", QUESTION, None), ("b", "Which ferry is it?", None), ("b", "Which ferry is it?", None),
    ("moon", "How far is the moon?", None), ("down", "Is it broken?", None),
    ("staff", QUESTION, ["legal", "hr", "hr", None]), ("pirates", QUESTION, ["pirates"]),
    ("empty", "  ", None), ("nothing", None, None), ("huge", "x" * 4001, None), (None, "Who?", None),
    (None, "Where?", None), ("twice", "One?", None), ("twice", "Two?", None), ("control", "a\x00b", None),
]  # fmt: skip
REFUSED = {
    "empty": "empty", "nothing": "empty", "huge": "4,001 characters", "None": "missing in 2 rows",
    "twice": "2 different questions", "control": "U+0000", "binary": "UTF-8", "pirates": "corpus.groups",
}  # fmt: skip
ANSWERED = ("a", "b", "staff")
EDITED = [
    ("a", QUESTION + " Really?", None), ("b", "Which ferry is it?", None), ("down", "Is it broken?", None),
    ("staff", QUESTION, ["hr"]), ("twice", "One?", None), ("empty", QUESTION, None),
]  # fmt: skip


@dataclass(frozen=True)
class Story:
    """Runs one after another: with a limit, without it, with nothing to do, and after the questions were edited.

    `first` are the answers before the edit, `second` those after it; a dry run went before the first and after the
    third run.
    """

    before: Expectation
    limited: Run
    rest: Run
    idle: Run
    after: Expectation
    first: Answers
    first_calls: list[str]
    first_searches: list[tuple[str, tuple[str, ...]]]
    left: tuple[bool, bool]
    edited: Run
    second: Answers
    second_searches: list[tuple[str, tuple[str, ...]]]
    of_another_chain: list[str]


@pytest.fixture(scope="module")
def story(shared_workspace: Workspace) -> Story:
    setting = Setting(shared_workspace)
    setting.ask(*FIRST, schema=WITH_GROUPS)
    binary = "SELECT 'binary', cast(X'ff00fe' AS STRING), NULL"
    shared_workspace.spark.sql(f"INSERT INTO {shared_workspace.table('asked')} {binary}")
    setting.batch.tables.answers.create(shared_workspace)
    told: dict[str, Any] = {"before": setting.expectation()}
    told |= {"limited": setting.run(5, 1), "rest": setting.run(0, 1), "idle": setting.run(0, 1)}
    told |= {"after": setting.expectation(), "first": setting.answers()}
    told |= {"first_calls": [row.purpose for row in setting.sink.rows], "first_searches": setting.searcher.asked[:]}
    tables = setting.batch.tables
    told["left"] = (tables.requests.read(shared_workspace).isEmpty(), tables.replies.read(shared_workspace).isEmpty())
    setting.down = "nothing is"
    setting.ask(*EDITED, schema=WITH_GROUPS)
    told |= {"edited": setting.run(max_attempts=2), "second": setting.answers()}
    told["second_searches"] = setting.searcher.asked[len(told["first_searches"]) :]
    setting.use_case = setting.use_case.model_copy(update={"answers": AnswerSettings(max_tokens=17)})
    return Story(**told, of_another_chain=[row["answer_id"] for row in setting.wanted().collect()])


@pytest.fixture
def setting(workspace: Workspace) -> Setting:
    return Setting(workspace)


def test_questions_are_answered_once_and_the_working_tables_are_empty_afterwards(story: Story) -> None:
    row = story.first["a"]
    assert (row["outcome"], row["answer"], row["cited"], row["paths"]) == ("answered", ANSWER, ["c1"], ["p1.md"])
    assert (row["attempts"], row["model"], row["error"], row["generation"]) == (1, "m", None, "g-000001")
    assert row["cost"] > 0 and '"sources"' in row["outputs"] and row["prompt"].startswith("cite_or_abstain@")
    assert sum(run[1].replies for run in (story.limited, story.rest)) == len(ANSWERED)
    searched, made, checked = story.idle
    assert (searched.read, made.replies, made.failed, checked.read) == (0, 0, 0, 0)
    assert story.first_calls == [ME.purpose] * (len(ANSWERED) + 1)
    assert story.left == (True, True)


def test_a_limit_is_continued_by_the_next_run(story: Story) -> None:
    assert [run[0].added for run in (story.limited, story.rest)] == [5, len(story.first) - 5]
    assert [run[2].added for run in (story.limited, story.rest)] == [5, len(story.first) - 5]


def test_faulty_rows_get_an_error_and_cost_the_others_nothing(story: Story) -> None:
    assert {key for key, row in story.first.items() if row["outcome"] == "refused"} == REFUSED.keys()
    assert {key for key, row in story.first.items() if row["outcome"] == "answered"} == set(ANSWERED)
    for key, words in REFUSED.items():
        assert words in story.first[key]["error"] and story.first[key]["answer"] is None
    assert {story.second[key]["outcome"] for key in ("twice", "empty")} == {"answered"}


def test_without_evidence_no_model_is_asked(story: Story) -> None:
    row = story.first["moon"]
    assert (row["outcome"], row["abstained"], row["model"]) == ("abstained", "no evidence", "")
    assert len(story.first_calls) == len(ANSWERED) + 1  # and the one that failed


def test_a_failure_is_a_row_and_is_tried_again_up_to_the_limit(story: Story) -> None:
    row = story.first["down"]
    assert (row["outcome"], row["attempts"], row["error"]) == ("failed", 1, "Model m: it is down")
    assert story.limited[1].failed + story.rest[1].failed == 1
    row = story.second["down"]
    assert (row["outcome"], row["attempts"], row["error"]) == ("answered", 2, None)


def test_an_edited_question_or_another_chain_is_answered_again(story: Story) -> None:
    searched, made, checked = story.edited
    assert (searched.added, made.replies, checked.changed, checked.added) == (5, 5, 5, 0)
    assert story.second["a"]["question"].endswith("Really?")
    assert story.second["b"] == story.first["b"] and story.second["moon"] == story.first["moon"]
    known = {row["answer_id"] for row in story.second.values()}
    assert len(story.of_another_chain) == len(EDITED) and known.isdisjoint(story.of_another_chain)


def test_every_row_is_searched_for_its_own_groups(story: Story) -> None:
    searched = [groups for question, groups in story.first_searches if question == QUESTION]
    assert sorted(searched) == [(), ("hr", "legal")]
    assert story.first["staff"]["groups"] == ["hr", "legal"]
    assert story.second["staff"]["groups"] == ["hr"]
    assert [groups for _, groups in story.second_searches if groups] == [("hr",)]


def test_a_dry_run_expects_the_limits_then_what_was_measured(story: Story) -> None:
    before, after = story.before, story.after
    assert (before.rows, before.to_answer, before.refused) == (len(FIRST) + 1, len(story.first), 5)
    assert (before.measured, before.tokens_written, before.cost) == (0, 256, 256e-6)
    assert (after.measured, after.to_answer) == (len(ANSWERED), 0) and after.tokens_written < 256


def test_requests_of_an_older_index_or_chain_are_searched_again(setting: Setting) -> None:
    setting.ask(("a", QUESTION), ("b", QUESTION))
    setting.retrieve()
    setting.searcher.generation = "g-000002"
    setting.ask(("a", QUESTION))
    report = setting.retrieve()
    assert (report.added, report.deleted, pending(setting.batch).count()) == (1, 2, 1)
    (row,) = setting.batch.tables.requests.read(setting.workspace).collect()
    assert (row["question_id"], row["generation"]) == ("a", "g-000002")


def test_a_model_that_only_fails_stops_the_run_before_it_uses_up_all_attempts(setting: Setting) -> None:
    setting.ask(*((f"q{number}", QUESTION) for number in range(3 * HOPELESS)))
    setting.down = QUESTION
    setting.retrieve()
    with pytest.raises(UserError, match=f"the first {HOPELESS} requests all failed .*down"):
        setting.generate()
    assert pending(setting.batch).count() == 2 * HOPELESS


def test_a_run_that_ends_in_any_step_is_continued(setting: Setting) -> None:
    setting.ask(*((f"q{number}", f"{QUESTION} {number}") for number in range(20)))
    assert setting.retrieve().added == 20
    assert setting.retrieve().idle
    assert setting.generate().replies == 20
    assert setting.retrieve().idle
    assert setting.generate().replies == 0
    finish(setting.batch)
    assert len(setting.answers()) == len(setting.sink.rows) == len(setting.searcher.asked) == 20


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
