"""ragops ask: what is wrong with a call is one line, before anything is opened."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragops.cli.app import app
from ragops.errors import UserError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle that was run once and has no index."""
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "databricks.yml").touch()
    (tmp_path / "usecase.yml").write_text((ROOT / "usecase.yml").read_text())
    folder = tmp_path / ".localbundle" / "dev"
    folder.mkdir(parents=True)
    write_record(folder, "")
    return folder


def write_record(home: Path, model: str) -> None:
    schemas = {"rag": {"catalog_name": "spark_catalog", "name": "rag"}}
    resources = {"schemas": schemas, "experiments": {"quality": {"name": "quality"}}}
    record = {"resources": resources, "variables": {"llm": {"value": model}}}
    (home / "bundle.json").write_text(json.dumps(record))


def refused(*words: str) -> str:
    with pytest.raises(UserError) as raised:
        CliRunner().invoke(app, ["ask", *words], catch_exceptions=False)
    line = str(raised.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("", "question: it is empty; ask something"),
        (" \n", "question: it is empty"),
        ("x" * 1_048_576, "question: 1,048,576 characters, at most 4,000; shorten it"),
        ("\x7fELF\x02\x01", "question: it has control characters (U+007F); give it as plain text"),
        ("\udcff\udcfe", "question: it has bytes that are no UTF-8; give it as text in UTF-8"),
    ],
)
def test_what_is_no_question(question: str, said: str) -> None:
    assert refused(question).startswith(said)
    assert refused("When?", "--follow", question).startswith(said)


def test_a_place_or_a_choice_that_does_not_exist(home: Path) -> None:
    assert "make one with: make demo" in refused("When?", "-t", "prod")
    assert refused("When?", "--model", "gpt").startswith(
        "model gpt: the use case knows none of that name; choose one of "
    )
    assert "did you mean brief?" in refused("When?", "--prompt", "briev")
    assert "its task is rewrite, not answer" in refused("When?", "--prompt", "standalone_question")
    write_record(home, "llama")
    assert refused("When?").startswith("model llama: the use case knows none of that name")
    (home / "bundle.json").unlink()
    assert refused("When?") == "target dev was never run here; run: localbundle run refresh -t dev"


def test_an_evaluation_needs_questions(tmp_path: Path) -> None:
    use_case = tmp_path / "usecase.yml"
    use_case.write_text(use_case.read_text().replace("  questions: sample", "  questions: null"))
    with pytest.raises(UserError, match="evaluation.questions: the use case names none"):
        CliRunner().invoke(app, ["evaluate", "answers"], catch_exceptions=False)
