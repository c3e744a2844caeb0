from pathlib import Path

import pytest

from ragops.platform.compute import (
    available_memory,
    cgroup_limits,
    has_only_remote_volumes,
    has_spark,
    in_app,
    on_databricks,
    on_serverless,
)
from ragops.platform.workspace import is_mounted


@pytest.mark.parametrize(
    ("version", "serverless"),
    [("client.5.2", True), ("18.1", False), ("18.x-gpu-ml", False), ("new", True), (None, False)],
)
def test_a_version_that_does_not_start_with_a_digit_means_serverless(
    version: str | None, serverless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    if version:
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", version)
    assert on_serverless() is serverless


def test_an_app_is_databricks_without_spark_and_without_mounted_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABRICKS_RUNTIME_VERSION", "SPARK_REMOTE", "DATABRICKS_APP_NAME", "DATABRICKS_APP_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert not in_app() and not on_databricks()
    monkeypatch.setenv("DATABRICKS_APP_NAME", "chat")
    assert not in_app(), "a laptop may name an App, to deploy it"
    monkeypatch.setenv("DATABRICKS_APP_PORT", "8000")
    assert in_app() and on_databricks() and has_only_remote_volumes()
    assert not has_spark() and not is_mounted(Path("/Volumes/main/rag/indexes"))


def write(folder: Path, name: str, limit: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(limit + "\n")


def test_limits_of_parent_cgroups_count(tmp_path: Path) -> None:
    write(tmp_path, "memory.max", "max")
    write(tmp_path / "jobs", "memory.max", "2000")
    write(tmp_path / "jobs" / "ours", "memory.max", "3000")
    assert sorted(cgroup_limits("0::/jobs/ours\n", tmp_path)) == [2000, 3000]


def test_cgroups_of_version_1_are_read(tmp_path: Path) -> None:
    write(tmp_path / "memory", "memory.limit_in_bytes", "9223372036854771712")
    write(tmp_path / "memory" / "docker" / "x", "memory.limit_in_bytes", "5000")
    write(tmp_path / "cpu" / "docker" / "x", "memory.limit_in_bytes", "1")
    listed = "12:cpu,cpuacct:/docker/x\n4:hugetlb,memory:/docker/x\n1:name=systemd:/docker/x\n"
    assert min(cgroup_limits(listed, tmp_path)) == 5000


@pytest.mark.parametrize("line", ["", "none", "0:memory"])
def test_a_malformed_line_is_ignored(tmp_path: Path, line: str) -> None:
    write(tmp_path, "memory.max", "7000")
    assert list(cgroup_limits(f"{line}\n0::/\n", tmp_path)) == [7000]


@pytest.mark.parametrize("path", ["/kubepods/pod1/of-the-host", "/../../elsewhere", "/"])
def test_in_a_container_the_limit_of_its_root_counts(tmp_path: Path, path: str) -> None:
    write(tmp_path, "memory.max", "7000")
    write(tmp_path.parent, "memory.max", "1")
    assert list(cgroup_limits(f"0::{path}\n", tmp_path)) == [7000]


def test_without_cgroups_the_machine_s_memory_counts(tmp_path: Path) -> None:
    assert list(cgroup_limits("", tmp_path)) == []
    assert available_memory() > 2**28
