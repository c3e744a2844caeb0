from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.documents.limits import MIB
from ragops.documents.memory import MemoryLimit, Place, cgroup_limits, memory_limit, memory_of_place

SIZES = st.integers(min_value=0, max_value=2**45)


def test_what_the_card_allows_is_the_limit_where_there_is_enough() -> None:
    limit = memory_limit(2048 * MIB, place=8192 * MIB, used=300 * MIB, workers=2)
    assert limit == MemoryLimit(2048 * MIB)
    assert limit.reason == "needs more than 2,048 MiB of memory"


def test_what_is_left_of_the_place_is_the_limit_where_that_is_less() -> None:
    limit = memory_limit(2048 * MIB, place=1024 * MIB, used=324 * MIB, workers=1)
    assert limit.reason == (
        "needs more than 700 MiB of memory, all that is left of the 1,024 MiB here; run this where there is more"
    )


def test_parsers_share_what_is_left() -> None:
    assert memory_limit(2048 * MIB, place=4096 * MIB, used=96 * MIB, workers=4).limit_bytes == 1000 * MIB


def test_a_parser_gets_what_it_needs_to_start_however_little_there_is() -> None:
    assert memory_limit(2048 * MIB, place=128 * MIB, used=200 * MIB, workers=4).limit_bytes == 256 * MIB


@given(configured=SIZES, place=SIZES, more=SIZES, used=SIZES, workers=st.integers(1, 256))
def test_no_limit_exceeds_what_is_configured_and_more_memory_never_lowers_it(
    configured: int, place: int, more: int, used: int, workers: int
) -> None:
    limit = memory_limit(configured, place, used, workers)
    assert limit.limit_bytes <= configured
    assert limit.limit_bytes == configured or limit.place_bytes == place
    assert limit.limit_bytes * workers + used <= place or limit.limit_bytes <= 256 * MIB
    assert memory_limit(configured, place + more, used, workers).limit_bytes >= limit.limit_bytes


def write(folder: Path, name: str, limit: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(limit + "\n")


def test_a_cgroup_is_bound_by_those_above_it(tmp_path: Path) -> None:
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
def test_what_is_no_cgroup_is_passed_over(tmp_path: Path, line: str) -> None:
    write(tmp_path, "memory.max", "7000")
    assert list(cgroup_limits(f"{line}\n0::/\n", tmp_path)) == [7000]


@pytest.mark.parametrize("path", ["/kubepods/pod1/of-the-host", "/../../elsewhere", "/"])
def test_in_a_container_its_own_root_counts(tmp_path: Path, path: str) -> None:
    write(tmp_path, "memory.max", "7000")
    write(tmp_path.parent, "memory.max", "1")
    assert list(cgroup_limits(f"0::{path}\n", tmp_path)) == [7000]


def test_without_cgroups_the_machine_counts(tmp_path: Path) -> None:
    assert list(cgroup_limits("", tmp_path)) == []
    assert memory_of_place() > 256 * MIB


@pytest.mark.parametrize(("version", "serverless"), [("client.4.9", True), ("17.3", False), (None, False)])
def test_serverless_is_known_by_its_version(
    version: str | None, serverless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    if version:
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", version)
    assert Place.here().serverless is serverless
