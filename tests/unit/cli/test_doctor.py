"""ragops doctor prints its table everywhere; its exit code tells whether something required is missing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ragops.doctor.checks
from ragops.cli import doctor
from ragops.cli.app import app
from ragops.doctor.findings import Finding, Group, State

ROOT = Path(__file__).parents[3]
RUN = CliRunner()


@pytest.fixture(autouse=True)
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that has never been run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "databricks.yml").touch()
    (tmp_path / "usecase.yml").write_text((ROOT / "usecase.yml").read_text())
    for name in ("LOCALBUNDLE_HOME", "DATABRICKS_RUNTIME_VERSION", "OPENAI_BASE_URL", "SPARK_REMOTE"):
        monkeypatch.delenv(name, raising=False)


def finding(*findings: Finding) -> list[Group]:
    return [Group("One", lambda: findings)]


def test_everything_is_reported_missing_before_the_first_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = RUN.invoke(app, ["doctor", "--no-spark"])
    assert result.exit_code == 1
    assert max(map(len, result.output.splitlines())) <= 80
    words = " ".join(result.output.split())
    assert "none for target dev" in words and "localbundle run refresh -t dev" in words
    for title in ("This process", "Laptop", "Spark", "Volumes", "Registry", "GPUs", "UDFs"):
        assert title in result.output


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("unknown", 0), ("missing", 1)])
def test_only_missing_requirements_are_a_failure(monkeypatch: pytest.MonkeyPatch, state: State, code: int) -> None:
    row = Finding("disk", "none", state, "buy one")
    monkeypatch.setattr(ragops.doctor.checks, "groups", lambda environment: finding(row))
    result = RUN.invoke(app, ["doctor", "--no-spark", "--json"])
    assert result.exit_code == code
    expected = {"group": "One", "what": "disk", "found": "none", "state": state, "to_do": "buy one"}
    assert json.loads(result.output) == [expected]


@pytest.mark.parametrize(("code", "printed"), [(0, False), (1, False), (2, True)])
def test_it_runs_in_the_local_workspace_or_here_if_that_does_not_start(
    monkeypatch: pytest.MonkeyPatch, code: int, printed: bool
) -> None:
    called: list[list[str]] = []

    def call(command: list[str]) -> int:
        called.append(command)
        return code

    monkeypatch.setattr(ragops.doctor.checks, "groups", lambda environment: finding(Finding("disk", "large")))
    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/bin/{name}")
    result = RUN.invoke(app, ["doctor", "-t", "staging"])
    assert called[0][:5] == ["/bin/localbundle", "exec", "-t", "staging", "--"]
    assert ("large" in result.output) == printed
    assert result.exit_code == (0 if printed else code)


def test_it_runs_here_without_localbundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    assert doctor._in_local_workspace("dev") == 2


def test_an_available_spark_session_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def groups(environment: ragops.doctor.checks.Environment) -> Iterator[Group]:
        yield Group("One", lambda: [Finding("landing", environment.landing)])

    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost:1")
    monkeypatch.setattr(ragops.doctor.checks, "groups", groups)
    result = RUN.invoke(app, ["doctor", "--schema", "mine"])
    assert result.exit_code == 0 and "/Volumes/spark_catalog/mine/landing" in result.output


def test_it_ends_although_a_check_hangs(tmp_path: Path) -> None:
    script = tmp_path / "hanging.py"
    script.write_text(
        "import sys, threading\n"
        "import ragops.doctor.checks as checks\n"
        "from ragops.cli.app import app\n"
        "from ragops.doctor.findings import Group\n"
        "def hang():\n"
        "    thread = threading.Thread(target=threading.Event().wait)\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "    return []\n"
        "checks.groups = lambda _: [Group('Spark', hang, 0.01)]\n"
        "sys.argv = ['ragops', 'doctor', '--no-spark']\n"
        "app()\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and "no result after 0.01 s" in done.stdout
