"""Sets that are written: exported with the same version, and added to once."""

from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.quality.datasets.files import load_questions
from ragops.quality.datasets.question_set import version_of
from ragops.quality.datasets.store import add, check_growing, export, growing_set
from ragops.quality.questions import Question

FIRST = Question(question_id="a", question="What, ünï\u2028?", kind="k", answer="One\ntwo", quotes=("q1",))
SECOND = Question(question_id="b", question="Why?")


def test_an_exported_set_has_the_same_version(tmp_path: Path) -> None:
    export([FIRST, SECOND], "new.jsonl", tmp_path)
    found = load_questions(tmp_path / "new.jsonl")
    assert found == [FIRST, SECOND] and version_of(found) == version_of([FIRST, SECOND])


@pytest.mark.parametrize(("named", "line"), [("new.xlsx", "end the name in .jsonl"), ("old.jsonl", "exists")])
def test_an_export_never_overwrites_and_knows_its_format(tmp_path: Path, named: str, line: str) -> None:
    (tmp_path / "old.jsonl").write_text("mine")
    with pytest.raises(UserError, match=line):
        export([FIRST], named, tmp_path)
    assert (tmp_path / "old.jsonl").read_text() == "mine"


@pytest.mark.parametrize("before", [None, "", '{"question_id": "x", "question": "Who?", "answer": "me"}'])
def test_a_question_is_added_to_a_file_once(tmp_path: Path, before: str | None) -> None:
    file = tmp_path / "set.jsonl"
    if before is not None:
        file.write_text(before)
    assert add(FIRST, "set.jsonl", tmp_path)
    assert not add(FIRST, "set.jsonl", tmp_path)
    assert add(SECOND, "set.jsonl", tmp_path)
    assert [one.question_id for one in load_questions(file)] == [*(["x"] if before else []), "a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == ["set.jsonl"]


def test_a_question_is_added_to_a_folder_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "sets").mkdir()
    assert growing_set("sets", tmp_path / "none") == ()
    assert add(FIRST, "sets", tmp_path) and add(SECOND, "sets", tmp_path)
    assert not add(SECOND, "sets", tmp_path)
    assert load_questions(tmp_path / "sets") == [FIRST, SECOND] == list(growing_set("sets", tmp_path))
    assert {path.name for path in (tmp_path / "sets").iterdir()} == {"a.jsonl", "b.jsonl"}


@pytest.mark.parametrize("named", ["set.jsonl", "sets"])
def test_another_question_with_a_known_id_is_refused(tmp_path: Path, named: str) -> None:
    (tmp_path / "sets").mkdir()
    add(FIRST, named, tmp_path)
    with pytest.raises(UserError, match=f"{named}: has another question with the id a"):
        add(FIRST.model_copy(update={"answer": "Three"}), named, tmp_path)


@pytest.mark.parametrize("named", [None, "sample", "sample_same_words", "set.csv"])
def test_some_sets_cannot_be_added_to(tmp_path: Path, named: str | None) -> None:
    with pytest.raises(UserError, match="cannot be added to.*export"):
        check_growing(named, tmp_path)


def test_a_set_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    assert growing_set("set.jsonl", tmp_path) == ()
