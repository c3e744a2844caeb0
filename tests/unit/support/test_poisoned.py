"""Poisoned files: one for each technique, the same bytes each time, each with its own canary."""

import time
from pathlib import Path

import pytest

from tests.support.poisoned import write_poisoned


def test_each_has_its_own_file_canary_and_question(tmp_path: Path) -> None:
    written = write_poisoned(tmp_path / "new")
    assert {one.path.suffix for one in written} == {".md", ".html", ".docx", ".pdf", ".eml", ".epub", ".odt", ".rtf"}
    for name in ("path", "canary", "technique", "question"):
        assert len({getattr(one, name) for one in written}) == len(written), name
    assert sorted(one.path for one in written) == sorted((tmp_path / "new").iterdir())


def test_no_canary_is_part_of_another(tmp_path: Path) -> None:
    canaries = [one.canary for one in write_poisoned(tmp_path)]
    assert not [(a, b) for a in canaries for b in canaries if a != b and a in b]


def test_the_canary_is_in_the_part_that_the_technique_names(tmp_path: Path) -> None:
    found = {one.technique: one for one in write_poisoned(tmp_path)}
    assert found["path"].canary in found["path"].path.name
    for technique in ("body", "title", "guessed_marks", "chat_syntax", "fake_citation", "link", "html_hidden"):
        assert found[technique].canary in found[technique].path.read_text(encoding="utf-8")


def test_bytes_do_not_depend_on_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {one.path.name: one.path.read_bytes() for one in write_poisoned(tmp_path)}
    later = time.localtime(4_000_000_000)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    assert {one.path.name: one.path.read_bytes() for one in write_poisoned(tmp_path)} == first
