from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragops.cli import app
from ragops.workspace import bundle_root

RUN = CliRunner()


@pytest.fixture(autouse=True)
def laptop(monkeypatch: pytest.MonkeyPatch) -> None:
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
    text = (bundle_root() / "usecase.yml").read_text()
    card = tmp_path / "usecase.yml"
    strict = text.replace("classification: public", "classification: confidential").replace("private: true", "")
    card.write_text(strict)
    found = lines("--usecase", str(card), "--model", "smollm2")
    assert found["served"].startswith("openai_compatible - not at all")
    assert found["smollm2"].startswith("openvino_gguf first as it is")
