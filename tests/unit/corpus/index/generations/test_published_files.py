import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from ragops.corpus.index.generations.manifest import Damaged, IndexedModel, Manifest, file_digests, write_manifest
from ragops.corpus.index.generations.pointer import Pointer
from ragops.corpus.index.generations.published_files import PublishedIndex, local_directory
from ragops.errors import UserError
from ragops.platform.volumes.errors import PathNotFound, VolumeError
from ragops.platform.volumes.mounted import MountedFiles

_MODEL = IndexedModel(fingerprint="ab" * 32, name="m", dimension=2)
_POINTER = Pointer(generation="000012-1a2b3c4d", fingerprint="1a2b3c4d" * 8, previous="000011-1a2b3c4d")


class Recorded(MountedFiles):
    """Files that record what was written and removed, in order; `broken`: the number of calls after which all fail."""

    def __init__(self, broken: int | None = None) -> None:
        self.calls: list[str] = []
        self._broken = broken

    def _note(self, what: str, path: Path) -> None:
        if self._broken is not None and len(self.calls) >= self._broken:
            raise VolumeError(f"{path}: the volume does not answer")
        self.calls.append(f"{what} {path.name}")

    def upload(self, source: Path, path: Path) -> None:
        self._note("write", path)
        super().upload(source, path)

    def write(self, path: Path, content: bytes) -> None:
        self._note("write", path)
        super().write(path, content)

    def remove(self, path: Path) -> None:
        self._note("remove", path)
        super().remove(path)


def _draft(folder: Path, number: int) -> tuple[Path, Manifest]:
    for name in ("chroma/a", "chroma/b", "bm25/c", "rows.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    manifest = Manifest(
        number=number, model=_MODEL, count=0, source_version="x", parent=None, files=file_digests(folder)
    )
    write_manifest(folder, manifest)
    return folder, manifest


def _install(index: PublishedIndex, tmp_path: Path, number: int) -> Manifest:
    directory, manifest = _draft(tmp_path / f"draft-{number}", number)
    index.install(directory, manifest.name, lambda: None)
    return manifest


def test_the_manifest_is_written_last_and_removed_first(tmp_path: Path) -> None:
    files = Recorded()
    index = PublishedIndex(tmp_path / "index", files)
    manifest = _install(index, tmp_path, 1)
    assert files.calls[-1] == "write manifest.json"
    assert index.names() == [manifest.name] and index.manifest(manifest.name) == manifest
    assert index.changed_files(manifest) == index.missing_files(manifest) == set()
    files.calls.clear()
    index.remove(manifest.name)
    assert files.calls[0] == "remove manifest.json"
    assert list((tmp_path / "index" / "generations").iterdir()) == []


@pytest.mark.parametrize("written", range(5))
def test_an_incomplete_generation_is_not_listed(tmp_path: Path, written: int) -> None:
    index = PublishedIndex(tmp_path / "index", Recorded(broken=written))
    with pytest.raises(VolumeError):
        _install(index, tmp_path, 3)
    assert index.names() == []
    if written:
        assert index.next_number() == 4
        index.remove_unfinished(timedelta(days=1), ())
        assert list((tmp_path / "index" / "generations").iterdir()) != []
        PublishedIndex(tmp_path / "index").remove_unfinished(timedelta(0), ())
        assert list((tmp_path / "index" / "generations").iterdir()) == []


@pytest.mark.parametrize("removed", range(4))
def test_a_partly_removed_generation_is_not_listed(tmp_path: Path, removed: int) -> None:
    _install(PublishedIndex(tmp_path / "index"), tmp_path, 3)
    index = PublishedIndex(tmp_path / "index", Recorded(broken=removed + 1))
    with pytest.raises(VolumeError):
        index.remove("000003-abababab")
    assert index.names() == []


def test_a_lost_lock_stops_the_upload(tmp_path: Path) -> None:
    index, checks = PublishedIndex(tmp_path / "index"), iter([None, None])
    directory, manifest = _draft(tmp_path / "draft", 1)

    def check() -> None:
        if next(checks, "lost"):
            raise UserError("taken over")

    with pytest.raises(UserError, match="taken over"):
        index.install(directory, manifest.name, check)
    assert len([path for path in index.folder(manifest.name).rglob("*") if path.is_file()]) == 2


def test_a_truncated_manifest_is_damaged(tmp_path: Path) -> None:
    index = PublishedIndex(tmp_path)
    _install(index, tmp_path, 1)
    file = index.folder("000001-abababab") / "manifest.json"
    file.write_bytes(file.read_bytes()[:40])
    assert index.names() == []
    with pytest.raises(Damaged, match="is not a manifest"):
        index.manifest("000001-abababab")


def test_files_that_are_missing_new_or_different_are_found(tmp_path: Path) -> None:
    index = PublishedIndex(tmp_path / "index")
    manifest = _install(index, tmp_path, 1)
    folder = index.folder(manifest.name)
    (folder / "chroma/a").write_text("other")
    (folder / "chroma/b").unlink()
    (folder / "bm25/d").touch()
    assert index.changed_files(manifest) == {"chroma/a", "chroma/b", "bm25/d"}
    assert index.missing_files(manifest) == {"chroma/b"}
    with pytest.raises(UserError, match="chroma/b: "):
        index.copy(manifest.name, tmp_path / "copy")


def test_the_pointer_is_written_to_its_copy_first(tmp_path: Path) -> None:
    files = Recorded()
    index = PublishedIndex(tmp_path, files)
    assert index.find_pointer() is None
    with pytest.raises(UserError, match=f"no index at {tmp_path}"):
        index.pointer()
    index.write_pointer(_POINTER)
    assert files.calls == ["write pointer.copy.json", "write pointer.json"]
    assert index.pointer() == index.find_pointer() == _POINTER


@pytest.mark.parametrize("content", ["", "{", "[]", '{"generation": "../../etc", "fingerprint": "a"}', "\xff"])
def test_a_damaged_pointer_is_read_from_its_copy(tmp_path: Path, content: str) -> None:
    index = PublishedIndex(tmp_path)
    index.write_pointer(_POINTER)
    (tmp_path / "pointer.json").write_text(content, "latin-1")
    assert index.pointer() == _POINTER
    (tmp_path / "pointer.copy.json").unlink()
    with pytest.raises(Damaged, match="pointer.json is not a readable pointer"):
        index.find_pointer()


def test_the_recorded_pointer_replaces_a_late_writers_pointer(tmp_path: Path) -> None:
    index = PublishedIndex(tmp_path)
    old, new = (Pointer.to(_install(index, tmp_path, number), None) for number in (1, 2))
    index.write_pointer(old)
    index.repair_pointer(new.model_dump_json())
    assert index.pointer() == new
    index.repair_pointer(None)
    assert index.pointer() == new


def test_a_recorded_generation_that_was_removed_is_not_restored(tmp_path: Path) -> None:
    index = PublishedIndex(tmp_path)
    index.repair_pointer(_POINTER.model_dump_json())
    assert index.find_pointer() is None


def test_repairing_the_pointer_writes_the_valid_copy_last(tmp_path: Path) -> None:
    files = Recorded()
    index = PublishedIndex(tmp_path, files)
    index.write_pointer(_POINTER)
    (tmp_path / "pointer.json").write_text("{")
    files.calls.clear()
    index.repair_pointer(None)
    assert files.calls == ["write pointer.json", "write pointer.copy.json"]
    assert index.pointer() == _POINTER


def test_a_record_that_is_not_a_pointer_is_ignored(tmp_path: Path) -> None:
    index = PublishedIndex(tmp_path)
    index.write_pointer(_POINTER)
    index.repair_pointer("no pointer")
    assert index.pointer() == _POINTER


def test_a_generation_that_the_pointer_names_is_never_removed_as_unfinished(tmp_path: Path) -> None:
    index = PublishedIndex(tmp_path)
    _install(index, tmp_path, 1)
    (index.folder("000001-abababab") / "manifest.json").write_bytes(b"")
    index.remove_unfinished(timedelta(0), {"000001-abababab"})
    assert index.folder("000001-abababab").is_dir()


def test_a_generation_with_a_manifest_of_another_version_is_not_removed(tmp_path: Path) -> None:
    index = PublishedIndex(tmp_path)
    _install(index, tmp_path, 1)
    (index.folder("000001-abababab") / "manifest.json").write_text('{"format": 2}')
    index.remove_unfinished(timedelta(0), ())
    assert index.folder("000001-abababab").is_dir() and index.names() == []
    assert [problem for problem in index.problems() if "is not a manifest" in problem]


def test_other_folders_next_to_generations_are_not_removed(tmp_path: Path) -> None:
    """Including the target of a link."""
    index = PublishedIndex(tmp_path / "index")
    _install(index, tmp_path, 1)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("kept")
    generations = tmp_path / "index" / "generations"
    (generations / "notes").mkdir()
    (generations / "000002-abababab").symlink_to(tmp_path / "precious")
    (generations / "000003-abababab" / "chroma").mkdir(parents=True)
    (generations / "000003-abababab" / "chroma" / "link").symlink_to(tmp_path / "precious")
    index.remove_unfinished(timedelta(0), ())
    assert (tmp_path / "precious" / "file").read_text() == "kept"
    assert sorted(path.name for path in generations.iterdir()) == ["000001-abababab", "000002-abababab", "notes"]


def test_a_pointer_that_is_listed_but_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = PublishedIndex(tmp_path)
    index.write_pointer(_POINTER)

    def slip(self: MountedFiles, path: Path) -> bytes:
        raise PathNotFound(f"{path}: not there")

    monkeypatch.setattr(MountedFiles, "read", slip)
    with pytest.raises(VolumeError, match="pointer.json: is listed but cannot be read"):
        index.find_pointer()


def test_folders_that_are_not_generations_are_reported(tmp_path: Path) -> None:
    index = PublishedIndex(tmp_path)
    _install(index, tmp_path, 1)
    assert list(index.problems()) == []
    shutil.copytree(index.folder("000001-abababab"), index.folder("000009-abababab"))
    (tmp_path / "pointer.json").write_text("{")
    result = list(index.problems())
    assert "pointer.json is not a readable pointer" in result[0]
    assert "000009-abababab contains the manifest of 000001-abababab" in result[1]


def test_a_volume_that_does_not_answer_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = PublishedIndex(tmp_path)
    index.write_pointer(Pointer.to(_install(index, tmp_path, 1), None))

    def away(self: MountedFiles, path: Path) -> bytes:
        raise VolumeError(f"{path}: the volume does not answer")

    monkeypatch.setattr(MountedFiles, "read", away)
    with pytest.raises(VolumeError):
        index.live_manifest()
    with pytest.raises(VolumeError):
        index.remove_unfinished(timedelta(0), ())
    assert index.folder("000001-abababab").is_dir()


def test_each_index_and_purpose_has_one_local_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    directory = local_directory(tmp_path / "index", "draft")
    assert directory == local_directory(tmp_path / "other" / ".." / "index", "draft")
    assert (
        directory != local_directory(tmp_path / "index", "readers") != local_directory(tmp_path / "index2", "readers")
    )
    assert directory.is_relative_to(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert local_directory(tmp_path / "index", "draft").is_relative_to("/home/somebody/.cache/ragops")
