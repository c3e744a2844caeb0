"""Batches on real Delta: what is asked, answered, refused, tried again and never asked twice."""

from dataclasses import dataclass
from typing import Any

import pytest

from ragops.answers.chain.types import AnswerSettings
from ragops.platform.merge import StageReport
from ragops.platform.workspace import Workspace
from ragops.serving.batch.plan import Expectation
from ragops.serving.batch.replies import Generated
from tests.support.batches import ANSWER, QUESTION, Setting
from tests.support.llms import ME

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
    found: dict[str, Any] = {"before": setting.expectation()}
    found |= {"limited": setting.run(5, 1), "rest": setting.run(0, 1), "idle": setting.run(0, 1)}
    found |= {"after": setting.expectation(), "first": setting.answers()}
    found |= {"first_calls": [row.purpose for row in setting.sink.rows], "first_searches": setting.searcher.asked[:]}
    tables = setting.batch.tables
    found["left"] = (tables.requests.read(shared_workspace).isEmpty(), tables.replies.read(shared_workspace).isEmpty())
    setting.down = "nothing is"
    setting.ask(*EDITED, schema=WITH_GROUPS)
    found |= {"edited": setting.run(max_attempts=2), "second": setting.answers()}
    found["second_searches"] = setting.searcher.asked[len(found["first_searches"]) :]
    setting.use_case = setting.use_case.model_copy(update={"answers": AnswerSettings(max_tokens=17)})
    return Story(**found, of_another_chain=[row["answer_id"] for row in setting.wanted().collect()])


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
