"""A model's files on a volume: uploaded once, complete or not at all, and equal on each machine that reads them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragops.corpus.embeddings.model_files import find_folder
from ragops.corpus.embeddings.upload import LISTING, upload
from ragops.errors import UserError
from ragops.platform.volumes.mounted import MountedFiles

FILES = {"modules.json": b"[]", "1_Pooling/config.json": b"{}", "model.safetensors": b"weights", "vocab.txt": b"a"}


class Breaking(MountedFiles):
    """Fails at a given change of the volume and at all later ones."""

    def __init__(self, left: int) -> None:
        self.left = left

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ConnectionError("the line is cut")

    def _put(self, path: Path, content: BinaryIO) -> None:
        self._count()
        super()._put(path, content)

    def remove(self, path: Path) -> None:
        self._count()
        super().remove(path)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    write(tmp_path / "package", FILES)
    (tmp_path / "package" / "README.md").write_text("not wanted")
    return tmp_path / "package"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in files.items() if name != LISTING}


def read(volume: Path) -> dict[str, bytes]:
    return contents(find_folder("Model toy", f"volume:{volume / 'toy'}"))


def test_an_uploaded_model_is_read_from_a_local_copy(package: Path, cache: Path, tmp_path: Path) -> None:
    uploaded = upload(package, tmp_path / "volume" / "toy", MountedFiles())
    assert (uploaded.files, uploaded.size, uploaded.was_there) == (4, sum(map(len, FILES.values())), False)
    copy = find_folder("Model toy", f"volume:{tmp_path / 'volume' / 'toy'}")
    assert copy.is_relative_to(cache) and contents(copy) == FILES
    (copy / "mark").touch()
    assert find_folder("Model toy", f"volume:{tmp_path / 'volume' / 'toy'}") == copy and (copy / "mark").exists()


def test_uploading_again_changes_nothing(package: Path, tmp_path: Path) -> None:
    upload(package, tmp_path / "volume" / "toy", MountedFiles())
    assert upload(package, tmp_path / "volume" / "toy", Breaking(0)).was_there


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"another")], ids=["gone", "other"])
def test_files_that_differ_from_their_listing_are_uploaded_again(
    package: Path, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    """As after concurrent uploads of two versions; a reader gets an error that says to upload it again."""
    volume = tmp_path / "volume"
    upload(package, volume / "toy", MountedFiles())
    damage(volume / "toy" / "model.safetensors")
    with pytest.raises(UserError, match="upload it again with"):
        read(volume)
    assert not upload(package, volume / "toy", MountedFiles()).was_there
    assert read(volume) == FILES


def test_another_version_replaces_all_files(package: Path, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    upload(package, volume / "toy", MountedFiles())
    assert read(volume) == FILES
    (package / "vocab.txt").unlink()
    (package / "model.safetensors").write_bytes(b"others")
    assert not upload(package, volume / "toy", MountedFiles()).was_there
    expected = {**FILES, "model.safetensors": b"others"}
    del expected["vocab.txt"]
    assert read(volume) == contents(volume / "toy") == expected


@pytest.mark.parametrize("before", [None, {"modules.json": b"[1]", "old.bin": b"old"}], ids=["new", "over another"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(changes=st.integers(0, 7))
def test_an_incomplete_upload_is_not_read(
    package: Path, tmp_path: Path, before: dict[str, bytes] | None, changes: int
) -> None:
    volume = tmp_path / "volume"
    shutil.rmtree(volume, ignore_errors=True)
    if before:
        write(tmp_path / "before", before)
        upload(tmp_path / "before", volume / "toy", MountedFiles())
    try:
        upload(package, volume / "toy", Breaking(changes))
    except ConnectionError:
        if not (before and changes == 0):
            with pytest.raises(UserError, match="upload them with: databricks bundle run upload_models"):
                read(volume)
        upload(package, volume / "toy", MountedFiles())
    assert read(volume) == FILES


def test_a_missing_upload_is_reported_in_one_line_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        find_folder("Embedding model toy", f"volume:{tmp_path / 'nowhere'}")
    result = f"Embedding model toy: its files are not in {tmp_path / 'nowhere'}; upload them with: "
    assert str(refused.value) == result + "databricks bundle run upload_models -t TARGET"


def test_a_file_changed_after_the_upload_is_refused(package: Path, cache: Path, tmp_path: Path) -> None:
    upload(package, tmp_path / "volume" / "toy", MountedFiles())
    (tmp_path / "volume" / "toy" / "vocab.txt").write_bytes(b"b")
    with pytest.raises(UserError, match=r"vocab\.txt"):
        read(tmp_path / "volume")
    assert list((cache / "ragops" / "uploaded").iterdir()) == []


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model files"):
        upload(tmp_path, tmp_path / "volume", MountedFiles())
