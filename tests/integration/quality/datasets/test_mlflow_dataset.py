"""Evaluation datasets of MLflow on SQLite: the same questions in the same version as in a file."""

from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.genai.datasets import create_dataset, get_dataset

from ragops.errors import UserError
from ragops.quality.datasets.candidates import Candidate, Decisions, accept, drafted
from ragops.quality.datasets.files import load_questions
from ragops.quality.datasets.mlflow_dataset import load_dataset
from ragops.quality.datasets.question_set import open_set, version_of
from ragops.quality.datasets.store import add, export, growing_set
from ragops.quality.questions import Question
from ragops.usecase import load_usecase

NAME = "main.rag.questions"
SET = f"dataset:{NAME}"
QUESTIONS = [*load_questions()[:6], *[one for one in load_questions() if not one.answerable][:2]]
FACTS = Question(question_id="f", question="What are the facts?", facts=("one", "two"), documents=("a.md", "b.md"))


@pytest.fixture(autouse=True)
def _store(client: MlflowClient) -> None:
    """MLflow on a database of the test's own."""


def test_a_dataset_has_the_questions_of_the_file_in_the_same_version() -> None:
    export([*QUESTIONS, FACTS], SET, Path())
    found = load_dataset(NAME)
    assert sorted(found.questions, key=lambda one: one.question_id) == sorted(
        [*QUESTIONS, FACTS], key=lambda one: one.question_id
    )
    assert version_of(found.questions) == version_of([FACTS, *QUESTIONS]) and found.notes == ()


def test_the_use_case_names_it() -> None:
    export(QUESTIONS, SET, Path())
    own = load_usecase(Path("usecase.yml"))
    named = own.model_copy(update={"evaluation": own.evaluation.model_copy(update={"questions": SET})})
    found = open_set(named)
    assert (found.source, found.version, len(found.questions)) == (SET, version_of(QUESTIONS), len(QUESTIONS))


def test_a_question_is_merged_once_and_changes_the_version() -> None:
    export(QUESTIONS[:2], SET, Path())
    before = version_of(load_dataset(NAME).questions)
    for _ in range(2):
        add(QUESTIONS[0], SET, Path())
    assert version_of(growing_set(SET, Path())) == before
    add(QUESTIONS[2], SET, Path())
    assert version_of(load_dataset(NAME).questions) == version_of(QUESTIONS[:3]) != before


def test_an_accepted_candidate_joins_the_dataset(tmp_path: Path) -> None:
    export(QUESTIONS[:2], SET, Path())
    candidate = Candidate("0123456789ab", "Who?", ("Wrong.",), (), (), ("v1",))
    question = drafted(candidate, {"answer": "Me.", "quotes": ["it is me"]})
    for _ in range(2):
        accept(candidate, question, Decisions(tmp_path / "ledger"), SET, tmp_path, "me")
    assert question in load_dataset(NAME).questions and len(load_dataset(NAME).questions) == 3


def test_records_of_mlflows_own_form_are_read() -> None:
    with mlflow.start_run():
        dataset = create_dataset(name=NAME)
    dataset.merge_records(
        [
            {"inputs": {"question": "What is it?"}, "expectations": {"expected_response": "An otter."}},
            {
                "inputs": {"messages": [{"role": "user", "content": "Where does it live?"}]},
                "expectations": {
                    "expected_facts": ["by the river"],
                    "expected_retrieved_context": [{"doc_uri": "otter.md", "content": "It lives by the river."}],
                    "guidelines": "Be brief.",
                },
            },
        ]
    )
    found = load_dataset(NAME)
    by_question = {one.question: one for one in found.questions}
    assert by_question["What is it?"].answer == "An otter."
    second = by_question["Where does it live?"]
    assert (second.facts, second.documents, second.passages) == (
        ("by the river",),
        ("otter.md",),
        ("It lives by the river.",),
    )
    assert found.notes == ("fields that are not read: guidelines",)


@pytest.mark.parametrize(
    ("expectations", "line"),
    [
        ({"expected_response": "a", "expected_facts": ["b"]}, "line 1: it has both an expected answer"),
        ({}, "line 1: it says neither what answers it"),
    ],
)
def test_a_wrong_record_is_named(expectations: dict[str, object], line: str) -> None:
    create_dataset(name=NAME).merge_records([{"inputs": {"question": "Q?"}, "expectations": expectations}])
    with pytest.raises(UserError, match=f"dataset {NAME}, {line}"):
        load_dataset(NAME)


def test_a_dataset_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(UserError, match=f"dataset {NAME}: does not exist; make it with"):
        load_dataset(NAME)


def test_two_datasets_of_one_name_are_refused() -> None:
    for _ in range(2):
        create_dataset(name=NAME)
    with pytest.raises(UserError, match=f"dataset {NAME}: MLflow refuses"):
        load_dataset(NAME)


def test_an_export_to_a_dataset_that_exists_is_an_upsert() -> None:
    export(QUESTIONS[:2], SET, Path())
    changed = QUESTIONS[0].model_copy(update={"answer": "Another one."})
    export([changed], SET, Path())
    assert changed in load_dataset(NAME).questions and len(get_dataset(name=NAME).to_df()) == 2
