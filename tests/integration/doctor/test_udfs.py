"""The checks of UDFs are sent to Spark's workers by value, and report what they have."""

from pathlib import Path

import pytest

from ragops.doctor.udfs import beyond_the_limit, check_udfs
from ragops.platform.workspace import LANDING, Workspace
from ragops.usecase import load_usecase

MODEL = load_usecase(Path(__file__).parents[3] / "usecase.yml").embedding


def test_a_worker_reports_each_thing_once_and_lacks_nothing(workspace: Workspace) -> None:
    found = list(check_udfs(workspace, workspace.volume(LANDING), MODEL, parses=True))
    assert len({finding.what for finding in found}) == len(found) > 10
    assert [finding for finding in found if finding.state != "ok"] == []


def test_a_child_process_of_a_worker_allocates_memory(workspace: Workspace) -> None:
    assert beyond_the_limit(workspace.spark, 5) == "a child process allocated 5 MiB"


def test_without_spark_the_fix_names_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    (finding,) = check_udfs(Workspace("c", "s"), Path("/nowhere"), MODEL, parses=True)
    assert finding.state == "unknown" and "--no-spark" in finding.to_do
