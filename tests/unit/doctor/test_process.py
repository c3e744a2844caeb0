"""What this process has, and requirements that are not met."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ragops.doctor.process import check_process, check_session, disk, requirements
from ragops.platform.workspace import Workspace


def test_everything_is_found_without_spark_and_nothing_needed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    found = {finding.what: finding for finding in check_process()}
    assert [what for what, finding in found.items() if finding.state != "ok"] == []
    assert "pandas" in found["packages"].found
    assert [(one.found, one.state) for one in check_session(Workspace("c", "s"))] == [("no session here", "unknown")]


def test_on_databricks_it_tells_what_nobody_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5.2")
    client = SimpleNamespace(config=SimpleNamespace(host="https://here"))
    monkeypatch.setattr("ragops.doctor.process.workspace_client", lambda: client)
    found = {finding.what: finding.found for finding in check_process()}
    assert found["runtime"] == "client.5.2"
    assert found["workspace address"] == "https://here"
    assert {"libGL", "C compiler", "cloud storage"} <= found.keys()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["rich>=1"], "all 1 are here"),
        (["rich>=1", 'sklearn9; extra == "x"'], "all 1 are here"),
        (["rich>=999"], "not here, or of another version: rich>=999 ("),
        (["not-there-9"], "not here, or of another version: not-there-9 (not installed)"),
    ],
)
def test_requirements_that_are_not_met_are_named(wanted: list[str], found: str) -> None:
    finding = requirements(wanted)
    assert finding.found.startswith(found)
    assert (finding.state == "ok") == found.startswith("all")


def test_a_full_disk_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragops.doctor.process._free_gib", lambda folder: 0.5)
    assert disk("temporary folder", tmp_path).state == "missing"
