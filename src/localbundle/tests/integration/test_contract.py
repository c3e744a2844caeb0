"""CONTRACT.md, from this side: a process inside the workspace finds what its tables list, and nothing else."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONTRACT = (Path(__file__).parents[2] / "CONTRACT.md").read_text()
PRINT = "import json, os; print(json.dumps(dict(os.environ)))"
# Written by the user, or by MLflow when it is used first.
CREATED_BY_OTHERS = {"secrets.json", "mlflow/mlflow.db"}

pytestmark = pytest.mark.usefixtures("warm")


def table(heading: str) -> dict[str, str]:
    """The rows of the table in a section: its names in backticks, and their descriptions."""
    section = CONTRACT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", section, re.MULTILINE))


@pytest.fixture(scope="module")
def home(tiny: Path) -> Path:
    return tiny / ".localbundle/dev"


@pytest.fixture(scope="module")
def environment(tiny: Path, command: str, warm: None) -> dict[str, str]:
    """What `localbundle exec` adds to a small environment."""
    base = {
        "LANG": "C.UTF-8",
        **{name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ},
    }
    words = [command, "exec", "--", sys.executable, "-c", PRINT]
    done = subprocess.run(words, cwd=tiny, env=base, capture_output=True, text=True, timeout=300, check=True)
    return {name: value for name, value in json.loads(done.stdout).items() if name not in base}


def test_a_process_finds_exactly_the_listed_variables(environment: dict[str, str]) -> None:
    assert set(environment) == set(table("Environment variables"))


def test_the_variables_have_the_listed_values(environment: dict[str, str], home: Path) -> None:
    database = f"sqlite:///{home}/mlflow/mlflow.db"
    assert environment["LOCALBUNDLE_HOME"] == str(home)
    assert environment["LOCALBUNDLE_TARGET"] == "dev"
    assert environment["LOCALBUNDLE_STRICT_VOLUMES"] == str(home / "Volumes")
    assert environment["SPARK_REMOTE"].startswith("sc://localhost:")
    assert environment["MLFLOW_TRACKING_URI"] == environment["MLFLOW_REGISTRY_URI"] == database
    literal = {
        name: text[1:-1] for name, text in table("Environment variables").items() if re.fullmatch("`[^`]+`", text)
    }
    assert literal.keys() == {"MLFLOW_DISABLE_TELEMETRY", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "DO_NOT_TRACK"}
    assert literal == {name: environment[name] for name in literal}
    assert environment["MLFLOW_SQLALCHEMYSTORE_POOLCLASS"] == "NullPool"


def test_the_listed_files_are_there(localbundle, home: Path) -> None:
    assert localbundle("run", "flow", "--only", "ingest").returncode == 0
    names = {"CATALOG": "spark_catalog", "SCHEMA": "*", "VOLUME": "landing", "ID": "*"}
    for path in set(table("Files below `LOCALBUNDLE_HOME`")) - CREATED_BY_OTHERS:
        pattern = "/".join(names.get(part, part) for part in path.rstrip("/").split("/"))
        assert list(home.glob(pattern)), path


def test_secrets_come_from_the_variable_or_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from localbundle.kernels.dbutils import Secrets

    (tmp_path / "secrets.json").write_text('{"my-scope": {"a-key": "file"}}')
    assert Secrets(tmp_path).get("my-scope", "a-key") == "file"
    monkeypatch.setenv("LOCALBUNDLE_SECRET_MY_SCOPE_A_KEY", "variable")
    assert Secrets(tmp_path).get("my-scope", "a-key") == "variable"
