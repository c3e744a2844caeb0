"""Question sets over a real index with the real encoder: dropped in, copied to MLflow, refused, written by a model."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient
from typer.testing import CliRunner, Result

from ragops.cli.app import app
from ragops.errors import UserError
from ragops.quality.datasets.files import load_questions
from tests.support.notes_index import NOTES, WORKSPACE, publish_notes

ROOT = Path(__file__).parents[3]
SECTIONS = [
    {"doc_id": name, "sections": [{"section_id": f"{name}#1", "heading": name, "text": f"{name}\n\n{text}"}]}
    for name, text in NOTES.items()
]
PUBLIC = [
    {"question_id": "p1", "question": "What does the otter eat?", "section_ids": ["otter#1"], "answer": "Four fish."},
    {"question_id": "p2", "question": "Where does the heron stand?", "section_ids": ["heron#1"], "answer": "In reeds."},
]
LOST = {"question": "What does the fox eat?", "quotes": ["The fox eats berries all day long."], "answer": "Berries."}


def written(file: Path, *records: dict[str, Any]) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"{json.dumps(one)}\n" for one in records))
    return file


def reply(question: str, quote: str) -> str:
    return json.dumps({"quote": quote, "question": question, "answer": "As it says."})


@pytest.fixture
def place(client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a bundle, an index of three notes, a public question set, and a scripted model."""
    schema = {"catalog_name": WORKSPACE.catalog, "name": WORKSPACE.schema}
    record = {"resources": {"schemas": {"rag": schema}}, "variables": {"llm": {"value": ""}}}
    (tmp_path / "bundle.json").write_text(json.dumps(record))
    publish_notes(tmp_path / "work")
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "public" / "documents.jsonl", *SECTIONS)
    written(tmp_path / "public" / "questions.jsonl", *PUBLIC)
    own = yaml.safe_load((ROOT / "usecase.yml").read_text())
    replies = [
        "I cannot say.",
        json.dumps({"missing": "the price", "question": "Who sells tickets to Mars?"}),
        json.dumps({"reason": "-", "verdict": "no"}),
        *(reply(f"What is said of {name} here?", text) for name, text in NOTES.items()),
    ]
    own["models"]["known"].append({"name": "script", "provider": "scripted", "replies": replies})
    own["evaluation"]["questions"] = "public/questions.jsonl"
    own["answers"]["min_evidence"] = 0.0
    (tmp_path / "usecase.yml").write_text(yaml.safe_dump(own))
    return tmp_path


def run(place: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--usecase", str(place / "usecase.yml")], env={"COLUMNS": "200"})


def test_a_public_set_is_measured_by_its_sections(place: Path) -> None:
    written(place / "sets" / "more.jsonl", LOST, *PUBLIC)
    written(place / "sets" / "documents.jsonl", *SECTIONS)
    found = json.loads(run(place, "evaluate", "retrieval", "--questions-file", str(place / "sets"), "--json").stdout)
    about = found["question_set"]
    assert (about["questions"], about["with_gold"], about["source"]) == (3, 3, str(place / "sets"))
    assert len(about["in_no_passage"]) == 1
    own = next(one for one in found["settings"] if one["chosen"])
    assert [own[name]["mean"] for name in ("recall_at_5", "coverage")] == pytest.approx([2 / 3, 2 / 3])


def test_a_copy_in_mlflow_is_the_same_set(place: Path) -> None:
    before = json.loads(run(place, "questions", "list", "--json").stdout)
    assert "2 questions in dataset:main.rag.notes" in run(place, "questions", "export", "dataset:main.rag.notes").stdout
    own = yaml.safe_load((place / "usecase.yml").read_text())
    own["evaluation"]["questions"] = "dataset:main.rag.notes"
    (place / "usecase.yml").write_text(yaml.safe_dump(own))
    done = run(place, "evaluate", "answers", "--model", "quotes", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["question_set"]["version"] == before["version"]
    assert [row["supported"] for row in found["rows"]] == [1.0, 1.0]


def test_an_example_of_a_prompt_stops_an_evaluation(place: Path) -> None:
    template = yaml.safe_load((ROOT / "src/ragops/answers/prompts/templates/cite_by_example.yml").read_text())
    template["name"] = "ours"
    template["examples"][0]["question"] = "what does the OTTER eat"
    (place / "prompts").mkdir()
    (place / "prompts" / "ours.yml").write_text(yaml.safe_dump(template))
    own = yaml.safe_load((place / "usecase.yml").read_text())
    own["prompts"]["templates"] = "prompts"
    (place / "usecase.yml").write_text(yaml.safe_dump(own))
    for command in (("evaluate", "retrieval"), ("evaluate", "answers"), ("prompts", "compare")):
        error = run(place, *command).exception
        assert isinstance(error, UserError)
        assert "p1" in str(error) and "prompt template ours, example 1" in str(error)


def test_a_model_writes_questions_that_find_their_passage(place: Path) -> None:
    done = run(
        place, "questions", "generate", "new.jsonl", "--count", "3", "--unanswerable", "0.3", "--model", "script"
    )
    assert done.exit_code == 1, done.output  # three passages, of which one was spent on prose and one on no answer
    assert "2 questions in new.jsonl: 2 kept, 1 unparsed" in done.stdout
    found = load_questions(place / "new.jsonl")
    assert [one.answerable for one in found] == [False, True]
    assert all(len(one.source_chunks) == 1 for one in found)
    assert "exists" in str(run(place, "questions", "generate", "new.jsonl", "--model", "script").exception)


def test_a_model_that_only_quotes_cannot_write(place: Path) -> None:
    error = run(place, "questions", "generate", "new.jsonl", "--model", "quotes").exception
    assert "model quotes: does not follow instructions" in str(error)
