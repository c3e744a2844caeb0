"""Single steps of a batch on real Delta: interrupted, hopeless, of an older index, in workers, with wrong tables."""

from typing import Any

import pytest

from ragops.answers.llms.ledger.sinks import Spool
from ragops.errors import UserError
from ragops.platform.workspace import LEDGER, Workspace
from ragops.serving.batch.finish import finish
from ragops.serving.batch.generate import HOPELESS, generate_in_workers, pending
from ragops.serving.batch.questions import read_questions
from ragops.serving.batch.workers import Recorded
from tests.support.batches import QUESTION, Setting
from tests.support.llms import ME


@pytest.fixture
def setting(workspace: Workspace) -> Setting:
    return Setting(workspace)


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
