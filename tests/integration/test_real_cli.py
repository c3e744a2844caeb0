"""The real CLI accepts the bundle for every target. Needs `databricks` on PATH and a workspace in DATABRICKS_HOST."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not (shutil.which("databricks") and os.environ.get("DATABRICKS_HOST")),
    reason="needs `databricks` on PATH, and DATABRICKS_HOST with a way to log in",
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle outside its repository: neither the branch checked out nor a state of its own has a say."""
    folder = tmp_path_factory.mktemp("copy") / "bundle"
    return shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "dist", "build", "__pycache__"))


@pytest.mark.parametrize("target", ["dev", "staging", "prod"])
@pytest.mark.parametrize("command", [("validate", "--strict"), ("plan",)], ids=lambda command: command[0])
def test_the_cli_accepts(copy: Path, command: tuple[str, ...], target: str) -> None:
    words = ["databricks", "bundle", *command, "-t", target]
    done = subprocess.run(words, cwd=copy, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
