import os
from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.index.manifest import IndexedModel, Manifest
from ragops.index.pointer import Pointer, find_pointer, read_pointer, remove_half_written, write_pointer

_POINTER = Pointer(generation="000012-1a2b3c4d", fingerprint="1a2b3c4d" * 8, previous="000011-1a2b3c4d")


def test_written_and_read(tmp_path: Path) -> None:
    write_pointer(tmp_path, _POINTER)
    assert read_pointer(tmp_path) == find_pointer(tmp_path) == _POINTER
    assert [path.name for path in tmp_path.iterdir()] == ["pointer.json"]


def test_to_a_manifest() -> None:
    model = IndexedModel(fingerprint="ab" * 32, name="m", dimension=2)
    manifest = Manifest(number=3, model=model, count=0, source_version="x", parent=None)
    assert Pointer.to(manifest, previous=None).generation == "000003-abababab"
    assert Pointer.to(manifest, previous=manifest).previous == "000003-abababab"


def test_none_yet(tmp_path: Path) -> None:
    assert find_pointer(tmp_path) is None
    with pytest.raises(UserError, match=f"no index at {tmp_path}: run the refresh job"):
        read_pointer(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"generation": "../../etc", "fingerprint": "a"}', "\xff"])
def test_broken(tmp_path: Path, content: str) -> None:
    (tmp_path / "pointer.json").write_text(content, "latin-1")
    with pytest.raises(UserError, match="pointer.json is not a readable pointer"):
        find_pointer(tmp_path)


def test_old_pointer_stays_when_the_new_one_cannot_be_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pointer(tmp_path, _POINTER)

    def fail(source: Path, target: Path) -> None:
        raise OSError("no")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="no"):
            write_pointer(tmp_path, _POINTER.model_copy(update={"generation": "000013-1a2b3c4d"}))
    assert read_pointer(tmp_path) == _POINTER
    remove_half_written(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["pointer.json"]
