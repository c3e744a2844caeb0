"""ragops prompts against MLflow's registry on SQLite."""

import json
import logging
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from ragops.cli.app import app

ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def record(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    schema = {"catalog_name": "spark_catalog", "name": "dev_me_rag"}
    (tmp_path / "bundle.json").write_text(json.dumps({"resources": {"schemas": {"rag": schema}}}))
    monkeypatch.setenv("COLUMNS", "200")
    caplog.set_level(logging.WARNING, logger="mlflow")  # read when mlflow is imported, which it was long ago


def run(*words: str) -> list[str]:
    words = ("prompts", *words, "--usecase", str(ROOT / "usecase.yml"))
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    return [line for line in done.output.splitlines() if " INFO alembic." not in line]


def test_an_unchanged_template_is_registered_once() -> None:
    first = run("register", "--alias", "challenger")
    assert len(first) >= 7 and all(line.endswith("/1 new challenger") for line in first)
    assert run("register") == [line.replace(" new ", " unchanged ") for line in first]


def test_the_list_shows_versions_aliases_and_changed_texts(client: MlflowClient) -> None:
    run("register", "brief", "cite", "--alias", "champion")
    name = "spark_catalog.dev_me_rag.cite"
    client.register_prompt(name, "another text")
    rows = {line.split()[0]: line for line in run("list")}
    assert rows["brief"].split()[-2:] == ["1", "champion"]
    assert " 2 (" in rows["cite"]
    assert rows["structured"].split()[-1] == "-"


def test_another_schema_has_its_own_versions() -> None:
    run("register", "brief")
    assert run("register", "brief", "--schema", "mine") == ["prompts:/spark_catalog.mine.brief/1 new"]
