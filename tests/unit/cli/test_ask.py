"""ragops ask: an invalid call is one line, before anything is opened."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragops.cli.app import app
from ragops.errors import UserError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle that has been run once and has no index."""
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
    ("question", "message"),
    [
        ("", "question: .*empty"),
        (" \n", "question: .*empty"),
        ("x" * 1_048_576, "question: .*1,048,576 characters"),
        ("\x7fELF\x02\x01", "question: .*U\\+007F"),
        ("\udcff\udcfe", "question: .*UTF-8"),
    ],
)
def test_an_invalid_question_is_refused(question: str, message: str) -> None:
    assert re.match(message, refused(question))
    assert re.match(message, refused("When?", "--follow", question))


def test_an_unknown_target_model_or_prompt_is_refused(home: Path) -> None:
    assert "prod" in refused("When?", "-t", "prod")
    assert re.match("model gpt: .*served, smollm2, quotes", refused("When?", "--model", "gpt"))
    assert "did you mean brief?" in refused("When?", "--prompt", "briev")
    assert "its task is rewrite, not answer" in refused("When?", "--prompt", "standalone_question")
    write_record(home, "llama")
    assert refused("When?").startswith("model llama: ")
    (home / "bundle.json").unlink()
    assert re.match("target dev .*run: localbundle run refresh -t dev", refused("When?"))


def test_an_evaluation_needs_questions(tmp_path: Path) -> None:
    use_case = tmp_path / "usecase.yml"
    use_case.write_text(use_case.read_text().replace("  questions: sample", "  questions: null"))
    with pytest.raises(UserError, match="evaluation.questions: the use case names none"):
        CliRunner().invoke(app, ["evaluate", "answers"], catch_exceptions=False)
