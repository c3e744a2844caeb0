from pathlib import Path

import pytest

from ragops.index.local import copy_durably, local_directory


def test_one_place_for_an_index_and_a_purpose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = local_directory(tmp_path / "index", "draft")
    assert place == local_directory(tmp_path / "other" / ".." / "index", "draft")
    assert place != local_directory(tmp_path / "index", "readers") != local_directory(tmp_path / "index2", "readers")
    assert place.is_relative_to(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert local_directory(tmp_path / "index", "draft").is_relative_to("/home/somebody/.cache/ragops")


def test_copy(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "a" / "empty").mkdir(parents=True)
    (source / "a" / "file").write_bytes(b"content")
    copy_durably(source, target)
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == ["a", "a/empty", "a/file"]
    assert (target / "a" / "file").read_bytes() == b"content"
