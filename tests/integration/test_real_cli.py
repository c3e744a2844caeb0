"""The real Databricks CLI accepts the bundle.

Needs `databricks` on PATH and, for validate and plan, a workspace in DATABRICKS_HOST.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from ragops.platform.config_files import read_yaml
from tests.support.warehouse import include_warehouse

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "databricks.yml", *sorted((ROOT / "resources").rglob("*.yml"))]
FILES += [ROOT / "environments" / f"{name}.yml" for name in ("runtimes", "dev", "staging", "prod")]

pytestmark = pytest.mark.skipif(not shutil.which("databricks"), reason="needs `databricks` on PATH")
logged_in = pytest.mark.skipif(
    not os.environ.get("DATABRICKS_HOST"), reason="needs DATABRICKS_HOST with a way to log in"
)


@pytest.fixture(scope="module")
def schema() -> Validator:
    """The JSON schema of bundles, as printed by the CLI without a workspace."""
    printed = subprocess.run(["databricks", "bundle", "schema"], capture_output=True, text=True, check=True).stdout
    # Python's regular expressions lack these character classes.
    text = printed.replace(r"[\\p{L}\\p{N}]", "[a-zA-Z0-9]").replace(r"\\p{L}", "[a-zA-Z]")
    found = json.loads(text)
    return validator_for(found)(found)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_matches_the_schema(schema: Validator, file: Path) -> None:
    content = read_yaml(file)
    faults = [f"{error.json_path}: {error.message}" for error in schema.iter_errors(content)]
    assert faults == []


def test_a_field_outside_the_schema_is_a_fault(schema: Validator) -> None:
    job = {"tasks": [{"task_key": "x", "disable_auto_optimisation": True}]}
    assert list(schema.iter_errors({"resources": {"jobs": {"x": job}}}))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle outside its repository, so that the current branch and local state have no influence."""
    return copied(tmp_path_factory.mktemp("copy") / "bundle")


def copied(folder: Path) -> Path:
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "dist", "build", "__pycache__"))
    if "-dev" in subprocess.run(["databricks", "--version"], capture_output=True, text=True, check=True).stdout:
        config = folder / "databricks.yml"  # a development build warns that it ignores the line
        config.write_text(re.sub(r"^ *databricks_cli_version:.*\n", "", config.read_text(), flags=re.MULTILINE))
    return folder


@pytest.fixture(scope="module")
def deployer() -> str:
    """Staging and prod are deployed by the service principal that they run as: here the current user."""
    found = subprocess.run(
        ["databricks", "current-user", "me", "-o", "json"], capture_output=True, text=True, check=True
    )
    return f"service_principal={json.loads(found.stdout)['userName']}"


@logged_in
@pytest.mark.parametrize("target", ["dev", "staging", "prod"])
@pytest.mark.parametrize("command", [("validate", "--strict"), ("plan",)], ids=lambda command: command[0])
def test_the_cli_accepts_every_target(copy: Path, deployer: str, command: tuple[str, ...], target: str) -> None:
    words = ["databricks", "bundle", *command, "-t", target, "--var", deployer]
    done = subprocess.run(words, cwd=copy, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@logged_in
@pytest.mark.parametrize("target", ["dev", "staging", "prod"])
def test_the_cli_accepts_dashboard_and_alerts(deployer: str, target: str, tmp_path: Path) -> None:
    folder = copied(tmp_path / "bundle")
    include_warehouse(folder, target)
    words = ["databricks", "bundle", "validate", "--strict", "-o", "json", "-t", target, "--var", deployer]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    resources = json.loads(done.stdout)["resources"]
    assert list(resources["dashboards"]) == ["monitoring"] and len(resources["alerts"]) == 3


@pytest.mark.skipif(
    not os.environ.get("DATABRICKS_HOST", "").startswith("http://127.0.0.1"), reason="deploys: needs a fake workspace"
)
def test_a_plan_right_after_a_deployment_has_no_changes_until_the_library_changes(copy: Path) -> None:
    """The CLI's repository has a fake workspace: libs/testserver."""

    def databricks(*words: str) -> str:
        command = ["databricks", "bundle", *words, "-t", "dev"]
        return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True, timeout=600).stdout

    databricks("deploy", "--auto-approve")
    assert "0 to add, 0 to change, 0 to delete" in databricks("plan")
    with (copy / "src" / "ragops" / "text.py").open("a") as file:
        file.write("\n# changed\n")
    changed = databricks("plan")
    assert "0 to add, 0 to change" not in changed and "0 to delete" in changed
