from pathlib import Path

import pytest

from ragops.corpus.index.locations import local_directory


def test_one_place_for_an_index_and_a_purpose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = local_directory(tmp_path / "index", "draft")
    assert place == local_directory(tmp_path / "other" / ".." / "index", "draft")
    assert place != local_directory(tmp_path / "index", "readers") != local_directory(tmp_path / "index2", "readers")
    assert place.is_relative_to(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert local_directory(tmp_path / "index", "draft").is_relative_to("/home/somebody/.cache/ragops")
