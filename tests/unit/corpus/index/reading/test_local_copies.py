from pathlib import Path

import pytest

from ragops.corpus.index.generations.manifest import IndexedModel, Manifest, write_manifest
from ragops.corpus.index.generations.published_files import PublishedIndex
from ragops.corpus.index.reading.local_copies import LocalCopies
from ragops.errors import UserError
from ragops.platform.volumes.mounted import MountedFiles

_NAME = "000001-abababab"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    generation = tmp_path / "index" / "generations" / _NAME
    generation.mkdir(parents=True)
    (generation / "data").write_text("data")
    _write_manifest(tmp_path / "index", "1")
    return tmp_path / "index"


def _write_manifest(root: Path, version: str) -> None:
    model = IndexedModel(fingerprint="ab" * 32, name="m", dimension=2)
    written = Manifest(number=1, model=model, count=0, source_version=version, parent=None, files={"data": ""})
    write_manifest(root / "generations" / _NAME, written)


@pytest.fixture
def copies(root: Path, tmp_path: Path) -> LocalCopies:
    return LocalCopies(PublishedIndex(root), tmp_path / "copies")


def test_a_copy_is_made_once(copies: LocalCopies, root: Path) -> None:
    first = copies.acquire(_NAME)
    (root / "generations" / _NAME / "data").write_text("read again")
    second = copies.acquire(_NAME)
    assert first.directory == second.directory
    assert (second.directory / "data").read_text() == "data"
    first.release()
    second.release()


def test_another_manifest_gets_another_copy(copies: LocalCopies, root: Path) -> None:
    first = copies.acquire(_NAME)
    _write_manifest(root, "2")
    assert copies.acquire(_NAME).directory != first.directory


def test_a_copy_is_pruned_only_after_its_release(copies: LocalCopies) -> None:
    first, second = copies.acquire(_NAME), copies.acquire(_NAME)
    first.release()
    copies.prune()
    assert second.directory.exists()
    second.release()
    copies.prune()
    assert not second.directory.exists()
    copies.acquire(_NAME).release()
    assert second.directory.exists()


def test_a_discarded_copy_is_made_again(copies: LocalCopies, root: Path) -> None:
    (root / "generations" / _NAME / "data").write_text("damaged")
    copies.acquire(_NAME).discard()
    (root / "generations" / _NAME / "data").write_text("whole")
    assert (copies.acquire(_NAME).directory / "data").read_text() == "whole"


def test_a_missing_generation_is_an_error(copies: LocalCopies) -> None:
    with pytest.raises(UserError, match="index generation .*000002-abababab does not exist"):
        copies.acquire("000002-abababab")


def test_a_full_disk_leaves_no_incomplete_copy(
    copies: LocalCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: MountedFiles, path: Path, target: Path) -> None:
        target.touch()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(MountedFiles, "download", full)
        with pytest.raises(UserError, match=r"cannot be copied to .*No space left on device"):
            copies.acquire(_NAME)
    assert list((tmp_path / "copies").iterdir()) == []
