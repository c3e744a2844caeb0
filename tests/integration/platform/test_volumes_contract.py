"""The contract of both ways to access volumes, on a folder as strict as a volume and on a double of the Files API."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragops.platform.volumes.errors import PathNotFound, VolumeError
from ragops.platform.volumes.files_api import RemoteFiles
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.mounted import MountedFiles
from tests.support.files_double import Double, enter, served
from tests.support.strict_volumes import strict_volumes

CONTENT = bytes(range(256)) * 10_000


@pytest.fixture(params=["mounted", "files api"])
def volume(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[VolumeFiles, Path]]:
    """The access, and a folder of a volume."""
    folder = tmp_path / "Volumes" / "indexes"
    folder.mkdir(parents=True)
    with strict_volumes(tmp_path / "Volumes"):
        if request.param == "mounted":
            yield MountedFiles(), folder
            return
        double = Double(tmp_path / "Volumes")
        with served(double) as address:
            enter(address, tmp_path, monkeypatch)
            yield RemoteFiles(), Path("/Volumes/main/rag/indexes")
        assert double.faults == []


@pytest.fixture
def files(volume: tuple[VolumeFiles, Path]) -> VolumeFiles:
    return volume[0]


@pytest.fixture
def folder(volume: tuple[VolumeFiles, Path]) -> Path:
    return volume[1]


def test_a_file_is_written_and_replaced_as_a_whole(files: VolumeFiles, folder: Path) -> None:
    file = folder / "new folder" / "a b%2F.bin"
    files.write(file, CONTENT)
    assert files.read(file) == CONTENT
    files.write(file, b"shorter")
    assert files.read(file) == b"shorter"
    files.write(file, b"")
    assert files.read(file) == b""


def test_a_new_file_is_created_once(files: VolumeFiles, folder: Path) -> None:
    file = folder / "new folder" / "a b%2F.json"
    assert files.create(file, b"first")
    assert not files.create(file, b"second")
    assert files.read(file) == b"first"
    files.sync(file)
    files.remove(file)
    assert files.create(file, b"second")
    assert files.read(file) == b"second"


def test_a_local_file_is_uploaded_and_downloaded(files: VolumeFiles, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(CONTENT)
    (tmp_path / "here").chmod(0o400)
    files.upload(tmp_path / "here", folder / "deep" / "er" / "there")
    files.download(folder / "deep" / "er" / "there", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CONTENT
    assert files.digest(folder / "deep" / "er" / "there") == files.digest(folder / "deep" / "er" / "there")


def test_a_folder_is_listed_with_times(files: VolumeFiles, folder: Path) -> None:
    for name in "dbeac":
        files.write(folder / "listed" / name, b"")
    files.write(folder / "listed" / "folder" / "inner", b"")
    listed = files.list(folder / "listed")
    assert [(one.name, one.is_folder) for one in listed] == [
        *((name, False) for name in "abcde"),
        ("folder", True),
    ]
    assert all(abs(datetime.now(UTC) - one.modified) < timedelta(days=1) for one in listed)
    assert [str(path.relative_to(folder)) for path, _ in files.walk(folder / "listed")][-2:] == [
        "listed/folder/inner",
        "listed/folder",
    ]


def test_a_folder_is_copied_to_this_machine(files: VolumeFiles, folder: Path, tmp_path: Path) -> None:
    files.write(folder / "from" / "a", b"a")
    files.write(folder / "from" / "b" / "c", b"c")
    files.copy(folder / "from", tmp_path / "to")
    assert {path.name: path.read_bytes() for path in (tmp_path / "to").rglob("*") if path.is_file()} == {
        "a": b"a",
        "c": b"c",
    }


def test_removing_twice_is_the_same_as_removing_once(files: VolumeFiles, folder: Path) -> None:
    files.write(folder / "x" / "a", b"")
    files.write(folder / "x" / "b" / "c", b"")
    for _ in range(2):
        files.remove(folder / "x" / "a")
        assert [one.name for one in files.list(folder / "x")] == ["b"]
    for _ in range(2):
        files.remove_folder(folder / "x")
        with pytest.raises(PathNotFound):
            files.list(folder / "x")


def test_a_missing_path_is_reported_in_one_line(files: VolumeFiles, folder: Path, tmp_path: Path) -> None:
    for ask in (files.read, files.digest, lambda path: files.download(path, tmp_path / "to")):
        with pytest.raises(PathNotFound, match=rf"^{folder}/none: ") as caught:
            ask(folder / "none")
        assert "\n" not in str(caught.value)
    with pytest.raises(PathNotFound):
        files.list(folder / "none")


def test_a_full_local_disk_is_not_an_error_of_the_volume(files: VolumeFiles, folder: Path) -> None:
    files.write(folder / "a", CONTENT)
    with pytest.raises(OSError, match="No space left") as caught:
        files.download(folder / "a", Path("/dev/full"))
    assert not isinstance(caught.value, VolumeError)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=5_000_000 // 2), before=st.binary(max_size=100))
def test_any_content_replaces_any_other_unchanged(
    files: VolumeFiles, folder: Path, content: bytes, before: bytes
) -> None:
    files.write(folder / "any", before)
    files.write(folder / "any", content)
    assert files.read(folder / "any") == content
