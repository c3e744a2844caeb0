"""localbundle's CONTRACT.md, from this side: of the local workspace ragops uses only what the contract lists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from localbundle.workspace.environment import local_path, secret_variable

from ragops.platform.credentials import secret
from ragops.platform.workspace import Workspace

ROOT = Path(__file__).parents[3]
CONTRACT = (ROOT / "src/localbundle/CONTRACT.md").read_text()
# Variables of MLflow that ragops itself sets or compares; they do not come from the workspace.
OWN = {
    "MLFLOW_GENAI_EVAL_MAX_WORKERS",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_NO_OP",
    "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING",
    "MLFLOW_USE_DEFAULT_TRACER_PROVIDER",
    "MLFLOW_ENABLE_OTLP_EXPORTER",
}
# Files that ragops itself keeps in the workspace's folder, which the contract allows; `ragops` is in the cache.
OWN_PATHS = {"mlflow/artifacts", "locks", "prompt-marks.key", "ragops"}
SECRETS = "LOCALBUNDLE_SECRET_SCOPE_KEY"


def listed(heading: str) -> set[str]:
    """The names in the table of a section."""
    section = CONTRACT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def nodes(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for file in sorted((ROOT / "src/ragops").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, kind):
                yield f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def test_ragops_names_only_variables_of_the_contract() -> None:
    variables = listed("Environment variables")
    found = {
        (node.value, where)
        for where, node in nodes(ast.Constant)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"(LOCALBUNDLE|MLFLOW)_[A-Z_]+|SPARK_REMOTE", node.value)
    }
    unknown = {(name, where) for name, where in found if name not in variables | OWN and not SECRETS.startswith(name)}
    assert unknown == set()
    assert {"LOCALBUNDLE_HOME", "MLFLOW_TRACKING_URI", "SPARK_REMOTE"} <= {name for name, _ in found}


def test_ragops_names_only_paths_of_the_contract() -> None:
    """A path in the workspace's folder is written as `home / "NAME"` or `local_home(target) / "NAME" / "NAME"`."""
    found = {
        (match[1].replace('" / "', "/").replace("' / '", "/"), where)
        for where, node in nodes(ast.BinOp)
        if (match := re.fullmatch(r"(?:local_)?home(?:\([^)]*\))? / ['\"]([^{}]+)['\"]", ast.unparse(node)))
    }
    paths = {path.rstrip("/") for path in listed("Files below `LOCALBUNDLE_HOME`")} | OWN_PATHS
    known = paths | {"/".join(path.split("/")[:depth]) for path in paths for depth in (1, 2)}
    assert {(path, where) for path, where in found if path not in known} == set()
    assert {"bundle.json", "secrets.json"} <= {path for path, _ in found}


def test_ragops_reads_only_fields_of_records_that_the_contract_lists() -> None:
    source = (ROOT / "src/ragops/platform/job_runs.py").read_text()
    read = set(re.findall(r"record(?:\.get\(|\[)\"(\w+)\"", source))
    assert {"job", "state", "started"} <= read <= listed("Records of runs")


def test_a_volume_s_path_is_the_one_of_dbutils(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    workspace = Workspace("spark_catalog", "rag")
    for path in ("/Volumes/spark_catalog/rag/landing/a.md", "/Volumes/x", "/tmp/a", "relative/a"):
        assert workspace.path(path) == local_path(tmp_path, path)


def test_a_secret_is_the_one_of_dbutils(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    (tmp_path / "secrets.json").write_text('{"my-scope": {"a-key": "file"}}')
    assert secret("my-scope", "a-key") == "file"
    monkeypatch.setenv(secret_variable("my-scope", "a-key"), "variable")
    assert secret("my-scope", "a-key") == "variable"
