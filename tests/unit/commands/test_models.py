import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragops.cli import app

ROOT = Path(__file__).parents[3]
RUN = CliRunner()


@pytest.fixture(autouse=True)
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that nothing was ever run in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "databricks.yml").touch()
    (tmp_path / "usecase.yml").write_text((ROOT / "usecase.yml").read_text())
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def lines(*arguments: str) -> dict[str, str]:
    result = RUN.invoke(app, ["models", *arguments])
    assert result.exit_code == 0, result.output
    return {line.split()[0]: " ".join(line.split()[1:]) for line in result.output.splitlines() if line.strip()}


def test_each_model_has_a_line() -> None:
    found = lines()
    assert found["served"].startswith("openai_compatible first as it is OPENAI_BASE_URL is not set 0.5 in, 1.5 out")
    assert found["smollm2"] == "openvino_gguf - as it is yes -"
    assert found["quotes"] == "extractive fallback 1 as it is yes -"


def test_another_primary_and_a_stricter_classification(tmp_path: Path) -> None:
    card = tmp_path / "strict.yml"
    strict = (
        (ROOT / "usecase.yml")
        .read_text()
        .replace("classification: public", "classification: confidential")
        .replace("private: true", "")
    )
    card.write_text(strict)
    found = lines("--usecase", str(card), "--model", "smollm2")
    assert found["served"].startswith("openai_compatible - not at all")
    assert found["smollm2"].startswith("openvino_gguf first as it is")


def test_what_the_environment_names_is_private_on_this_machine_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "strict.yml"
    card.write_text(
        (ROOT / "usecase.yml").read_text().replace("classification: public", "classification: confidential")
    )
    monkeypatch.setenv("OPENAI_BASE_URL", "http://0.0.0.0:9/v1")
    assert lines("--usecase", str(card))["served"].startswith("openai_compatible first not at all")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert lines("--usecase", str(card))["served"].startswith("openai_compatible first as it is")


def test_the_targets_own_model_comes_first(tmp_path: Path) -> None:
    home = tmp_path / ".localbundle" / "dev"
    home.mkdir(parents=True)
    schemas = {"rag": {"catalog_name": "spark_catalog", "name": "rag"}}
    record = {"resources": {"schemas": schemas}, "variables": {"llm": {"value": "quotes"}}}
    (home / "bundle.json").write_text(json.dumps(record))
    assert lines()["quotes"].startswith("extractive first")
    assert lines("--model", "served")["served"].startswith("openai_compatible first")
