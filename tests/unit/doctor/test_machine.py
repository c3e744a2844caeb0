"""What the machine has, requirements that are not met, the local workspace, and GPUs."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from ragops.corpus.embeddings.gpus import FoundGpu
from ragops.doctor import machine
from ragops.doctor.machine import check_gpus, check_laptop, check_process, check_session, disk, requirements
from ragops.platform.workspace import Workspace

WORKSPACE = Workspace("c", "s")
GOOD = FoundGpu("node", "uuid-1", "Tesla T4", "535.54", "2.9.0", "12.8", "")
NONE = FoundGpu("node", "", "", "", "2.9.0", "12.8", "no NVIDIA driver")


def test_without_spark_nothing_needed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    found = {finding.what: finding for finding in check_process()}
    assert [what for what, finding in found.items() if finding.state != "ok"] == []
    assert "pandas" in found["packages"].found
    assert [(one.found, one.state) for one in check_session(Workspace("c", "s"))] == [("no Spark session", "unknown")]


def test_on_databricks_undocumented_properties_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5.2")
    client = SimpleNamespace(config=SimpleNamespace(host="https://here"))
    monkeypatch.setattr("ragops.doctor.machine.workspace_client", lambda: client)
    found = {finding.what: finding.found for finding in check_process()}
    assert found["runtime"] == "client.5.2"
    assert found["workspace address"] == "https://here"
    assert {"libGL", "C compiler", "cloud storage"} <= found.keys()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["rich>=1"], "all 1 installed"),
        (["rich>=1", 'sklearn9; extra == "x"'], "all 1 installed"),
        (["rich>=999"], "missing, or a different version: rich>=999 ("),
        (["not-there-9"], "missing, or a different version: not-there-9 (not installed)"),
    ],
)
def test_unmet_requirements_are_named(wanted: list[str], found: str) -> None:
    finding = requirements(wanted)
    assert finding.found.startswith(found)
    assert (finding.state == "ok") == found.startswith("all")


def test_a_full_disk_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragops.doctor.machine._free_gib", lambda folder: 0.5)
    assert disk("temporary folder", tmp_path).state == "missing"


def test_a_target_that_has_never_been_run_is_missing_and_the_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    last = list(check_laptop("dev"))[-1]
    assert last == ("local workspace", "none for target dev", "missing", "localbundle run refresh -t dev")


def test_a_target_that_has_been_run_is_shown_with_its_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    named = {"resources": {"schemas": {"rag": {"catalog_name": "spark_catalog", "name": "mine"}}}}
    (tmp_path / "bundle.json").write_text(json.dumps(named))
    monkeypatch.setenv("LOCALBUNDLE_STRICT_VOLUMES", str(tmp_path))
    found = {finding.what: finding for finding in check_laptop("dev")}
    assert found[f"target {tmp_path.name}"].found == f"catalog and schema spark_catalog.mine, in {tmp_path}"
    assert found["strict volumes"].found == "on"


@pytest.mark.parametrize(("required", "state"), [(False, "ok"), (True, "missing")])
def test_no_gpu_counts_as_missing_only_where_one_is_required(
    monkeypatch: pytest.MonkeyPatch, required: bool, state: str
) -> None:
    monkeypatch.setattr(machine, "has_spark", lambda: False)
    monkeypatch.setattr(machine.gpus, "look", lambda device: NONE)
    (finding,) = check_gpus(WORKSPACE, required)
    assert finding.state == state and "no NVIDIA driver" in finding.found
    monkeypatch.setattr(machine.importlib.util, "find_spec", lambda name: None)
    (finding,) = check_gpus(WORKSPACE, required)
    assert finding.state == state and finding.found.startswith("torch is not installed")


def test_two_tasks_on_one_gpu_give_one_row_with_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "has_spark", lambda: True)
    monkeypatch.setattr(machine, "parallelism", lambda workspace: 2)
    monkeypatch.setattr(machine.gpus, "look_everywhere", lambda spark, slots: [GOOD] * slots)
    monkeypatch.setattr(Workspace, "spark", object(), raising=False)
    slots, gpu = check_gpus(WORKSPACE, True)
    assert slots.found == "2"
    assert gpu == ("GPU of node", "Tesla T4 (uuid-1) works; torch 2.9.0 for CUDA 12.8, driver 535.54", "ok", "")
