import errno
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ragops.documents.landing import LandingFile, content_hash, list_files
from ragops.errors import UserError


def paths(root: Path) -> list[str]:
    return [file.path for file in list_files(root)]


def test_lists_regular_files_sorted_with_size_and_time(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.md").write_bytes(b"12345")
    (tmp_path / "a.md").write_bytes(b"1")
    os.utime(tmp_path / "a.md", (1_700_000_000, 1_700_000_000))
    first, second = list_files(tmp_path)
    assert (first.path, second.path) == ("a.md", "b/x.md")
    assert second.size_bytes == 5
    assert first.modified_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_leaves_out_hidden_and_lock_files(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in (".git/config", ".hidden.md", "~$report.docx", "report.docx"):
        (tmp_path / name).write_bytes(b"1")
    assert paths(tmp_path) == ["report.docx"]


def test_links_must_stay_inside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.md").write_bytes(b"1")
    (root / "real.md").write_bytes(b"1")
    (root / "inside.md").symlink_to(root / "real.md")
    (root / "outside.md").symlink_to(tmp_path / "secret.md")
    (root / "broken.md").symlink_to(root / "nothing.md")
    (root / "loop").symlink_to(root)
    assert paths(root) == ["inside.md", "real.md"]


def test_a_pipe_is_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert paths(tmp_path) == []


def test_a_missing_or_empty_root_lists_nothing(tmp_path: Path) -> None:
    assert paths(tmp_path) == []
    assert paths(tmp_path / "missing") == []


def test_a_folder_that_cannot_be_listed_is_no_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a fault of the file system: permissions do not bind the superuser, as which tests may run."""
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def fail(path: str) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(UserError, match=r"cannot list .*/locked \(Permission denied\): make it readable"):
        paths(tmp_path)


def test_names_that_are_not_utf_8_can_be_stored(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_bytes(b"1")
    [path] = paths(tmp_path)
    assert path == "caf\\xe9.md"
    assert path.encode("utf-8")


def test_doc_id_depends_on_the_path_alone() -> None:
    old, new = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    assert LandingFile("a/b.md", 1, old).doc_id == hashlib.sha256(b"a/b.md").hexdigest()[:32]
    assert LandingFile("a/b.md", 2, new).doc_id == LandingFile("a/b.md", 1, old).doc_id
    assert LandingFile("a/c.md", 1, old).doc_id != LandingFile("a/b.md", 1, old).doc_id


def test_the_time_of_change_is_exact_to_the_microsecond() -> None:
    assert LandingFile("a", 1, datetime(1970, 1, 2, microsecond=7, tzinfo=UTC)).modified_us == 86_400_000_007


def test_content_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    assert content_hash(tmp_path / "a") == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    with pytest.raises(FileNotFoundError):
        content_hash(tmp_path / "missing")
