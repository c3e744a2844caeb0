import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragops.cli.app import app
from ragops.errors import UserError

ROOT = Path(__file__).parents[3]
RUN = CliRunner()


@pytest.fixture(autouse=True)
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that has never been run."""
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


def test_each_model_is_listed() -> None:
    found = lines()
    assert found["served"].startswith("openai_compatible first as it is OPENAI_BASE_URL is not set 0.5 in, 1.5 out")
    assert found["smollm2"] == "openvino_gguf - as it is yes -"
    assert found["quotes"] == "extractive fallback 1 as it is yes -"


def test_a_stricter_classification_hides_texts_from_models(tmp_path: Path) -> None:
    use_case = tmp_path / "strict.yml"
    strict = (
        (ROOT / "usecase.yml")
        .read_text()
        .replace("classification: public", "classification: confidential")
        .replace("private: true", "")
    )
    use_case.write_text(strict)
    found = lines("--usecase", str(use_case), "--model", "smollm2")
    assert found["served"].startswith("openai_compatible - not at all")
    assert found["smollm2"].startswith("openvino_gguf first as it is")


def test_a_server_from_the_environment_is_private_on_this_machine_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_case = tmp_path / "strict.yml"
    use_case.write_text(
        (ROOT / "usecase.yml").read_text().replace("classification: public", "classification: confidential")
    )
    monkeypatch.setenv("OPENAI_BASE_URL", "http://0.0.0.0:9/v1")
    assert lines("--usecase", str(use_case))["served"].startswith("openai_compatible first not at all")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert lines("--usecase", str(use_case))["served"].startswith("openai_compatible first as it is")


def test_the_targets_model_is_the_primary_one(tmp_path: Path) -> None:
    home = tmp_path / ".localbundle" / "dev"
    home.mkdir(parents=True)
    schemas = {"rag": {"catalog_name": "spark_catalog", "name": "rag"}}
    record = {"resources": {"schemas": schemas}, "variables": {"llm": {"value": "quotes"}}}
    (home / "bundle.json").write_text(json.dumps(record))
    assert lines()["quotes"].startswith("extractive first")
    assert lines("--model", "served")["served"].startswith("openai_compatible first")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small packaged model that replaces the use case's."""
    folder = tmp_path / "toymodel" / "files"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "modules.json").write_text("[]")
    monkeypatch.syspath_prepend(tmp_path)
    use_case = tmp_path / "usecase.yml"
    use_case.write_text(re.sub(r"source: maven:\S+", "source: package:toymodel/files", use_case.read_text()))


def reported_by_the_cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, out: object, error: str = ""
) -> None:
    """A Databricks CLI that answers one command."""
    cli = tmp_path / "bin" / "databricks"
    cli.parent.mkdir()
    (tmp_path / "reported").write_text(out if isinstance(out, str) else json.dumps(out))
    wanted = "bundle summary --output json --target staging"
    lines = f'test "$*" = "{wanted}" || exit 9; cat {tmp_path / "reported"}; echo "{error}" >&2; exit {code}'
    cli.write_text(f"#!/bin/sh\n{lines}\n")
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", f"{cli.parent}:/usr/bin:/bin")


def upload(*arguments: str) -> str:
    result = RUN.invoke(app, ["models", "upload", *arguments])
    if isinstance(result.exception, UserError):
        return str(result.exception)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.mark.usefixtures("package")
def test_an_upload_is_skipped_the_next_time(tmp_path: Path) -> None:
    to = f"{tmp_path}/volume/all-minilm-l6-v2"
    what = "all-minilm-l6-v2: 1 files, 0.0 MB"
    assert upload(f"{tmp_path}/volume") == f"{what} of package:toymodel/files copied to {to}"
    assert (tmp_path / "volume" / "all-minilm-l6-v2" / "modules.json").read_text() == "[]"
    assert upload(f"{tmp_path}/volume") == f"{what} already in {to}"


@pytest.mark.usefixtures("package")
def test_the_targets_volume_comes_from_the_databricks_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = {"id": "a.b.models", "volume_path": str(tmp_path / "volume")}
    reported_by_the_cli(tmp_path, monkeypatch, 0, {"resources": {"volumes": {"model_files": volume}}})
    assert upload("-t", "staging").endswith(f"copied to {tmp_path}/volume/all-minilm-l6-v2")


@pytest.mark.parametrize(
    ("code", "out", "error", "message"),
    [
        (1, "", "Error: no such target", r"databricks bundle summary: Error: no such target; fix that"),
        (0, {"resources": {}}, "", "not deployed yet; run: databricks bundle deploy"),
        (0, {"resources": {"volumes": {"model_files": {"volume_path": "/V"}}}}, "", "not deployed yet"),
    ],
    ids=["refused", "without the volume", "not deployed"],
)
def test_an_unknown_volume_is_an_error_that_suggests_giving_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, out: object, error: str, message: str
) -> None:
    reported_by_the_cli(tmp_path, monkeypatch, code, out, error)
    assert re.search(f"{message}.*ragops models upload /Volumes/CATALOG/SCHEMA/models", upload("-t", "staging"))


def test_a_missing_databricks_cli_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "the Databricks CLI is not on the path; install it" in upload()


def test_a_use_case_without_packages_needs_no_upload(tmp_path: Path) -> None:
    use_case = tmp_path / "usecase.yml"
    use_case.write_text(re.sub(r"source: maven:\S+", "source: hub:owner/name", use_case.read_text()))
    assert upload() == "nothing to upload: no encoder in usecase.yml is a package"
