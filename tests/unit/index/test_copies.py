import shutil
from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.index.copies import LocalCopies
from ragops.index.files import MountedIndex

_NAME = "000001-abababab"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    generation = tmp_path / "index" / "generations" / _NAME
    generation.mkdir(parents=True)
    (generation / "manifest.json").write_text("{}")
    (generation / "data").write_text("data")
    return tmp_path / "index"


@pytest.fixture
def copies(root: Path, tmp_path: Path) -> LocalCopies:
    return LocalCopies(MountedIndex(root), tmp_path / "copies")


def test_made_once(copies: LocalCopies, root: Path) -> None:
    first = copies.acquire(_NAME)
    (root / "generations" / _NAME / "data").write_text("read again")
    second = copies.acquire(_NAME)
    assert first.directory == second.directory
    assert (second.directory / "data").read_text() == "data"
    first.release()
    second.release()


def test_made_again_for_another_manifest(copies: LocalCopies, root: Path) -> None:
    first = copies.acquire(_NAME)
    (root / "generations" / _NAME / "manifest.json").write_text('{"other": true}')
    assert copies.acquire(_NAME).directory != first.directory


def test_pruned_only_when_released(copies: LocalCopies) -> None:
    first, second = copies.acquire(_NAME), copies.acquire(_NAME)
    first.release()
    copies.prune()
    assert second.directory.exists()
    second.release()
    copies.prune()
    assert not second.directory.exists()
    copies.acquire(_NAME).release()
    assert second.directory.exists()


def test_discarded_copy_is_made_anew(copies: LocalCopies, root: Path) -> None:
    (root / "generations" / _NAME / "data").write_text("damaged")
    copies.acquire(_NAME).discard()
    (root / "generations" / _NAME / "data").write_text("whole")
    assert (copies.acquire(_NAME).directory / "data").read_text() == "whole"


def test_generation_that_is_not_there(copies: LocalCopies) -> None:
    with pytest.raises(UserError, match="index generation .*000002-abababab cannot be read"):
        copies.acquire("000002-abababab")


def test_full_disk_leaves_nothing_behind(copies: LocalCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path, **_: object) -> None:
        (target / "half").touch()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copytree", full)
        with pytest.raises(UserError, match=r"cannot be copied to .*No space left on device"):
            copies.acquire(_NAME)
    assert list((tmp_path / "copies").iterdir()) == []
