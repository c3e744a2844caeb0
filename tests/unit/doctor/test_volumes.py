"""Strict volumes respond to every call as in docs/platform.md, other folders do not, and nothing is left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from localbundle.volumes.strict import install, remove

from ragops.doctor.volumes import VOLUME_CALLS, check_landing, check_volume
from ragops.platform.volumes.errors import VolumeError
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.mounted import MountedFiles


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Path]:
    install([tmp_path])
    yield tmp_path
    remove([tmp_path])


def test_strict_volumes_refuse_what_a_volume_refuses(strict: Path) -> None:
    found = {finding.what: finding for finding in check_volume(strict)}
    assert {what: finding for what, finding in found.items() if finding.state != "ok"} == {}
    refused = [call.what for call in VOLUME_CALLS if call.refused is not None]
    assert all(found[what].found.startswith("refused: E") for what in refused) and len(refused) == 8
    assert list(strict.iterdir()) == []


def test_a_folder_that_allows_more_differs_from_the_documented_rules(tmp_path: Path) -> None:
    found = {finding.what: finding for finding in check_volume(tmp_path)}
    assert found["whole files"].state == "ok"
    assert found["rename"].found == "allowed; expected ENOSYS" and "docs/platform.md" in found["rename"].to_do
    assert found["append"].found == "allowed; expected EOPNOTSUPP"
    assert found["map shared"].state == "ok"
    assert list(tmp_path.iterdir()) == []


def test_without_strict_volumes_only_whole_files_are_tried(tmp_path: Path) -> None:
    assert [finding.what for finding in check_volume(tmp_path, strict=False)] == ["whole files", "other calls"]
    assert list(tmp_path.iterdir()) == []


def test_a_missing_volume_is_reported_and_not_created(tmp_path: Path) -> None:
    (found,) = check_volume(tmp_path / "none")
    assert (found.what, found.state) == ("volume", "missing") and list(tmp_path.iterdir()) == []


def test_a_read_only_volume_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: VolumeFiles, path: Path, content: bytes) -> None:
        raise VolumeError(f"{path}: read-only")

    monkeypatch.setattr(MountedFiles, "write", refused)
    (found,) = check_volume(tmp_path)
    assert (found.what, found.state) == ("whole files", "missing") and "docs/rights.md" in found.to_do


def test_the_entries_of_the_landing_folder_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.md").touch()
    assert check_landing(tmp_path)[:3] == ("landing folder", "1 entries", "ok")
    assert check_landing(tmp_path / "none").state == "missing"
