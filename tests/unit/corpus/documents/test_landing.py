import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from ragops.corpus.documents import landing
from ragops.corpus.documents.landing import LandingFile, content_hash, list_files, look_at
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


def test_hidden_files_and_lock_files_are_skipped(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in (".git/config", ".hidden.md", "~$report.docx", "report.docx"):
        (tmp_path / name).write_bytes(b"1")
    assert paths(tmp_path) == ["report.docx"]


def test_links_that_leave_the_folder_are_skipped(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.md").write_bytes(b"1")
    (root / "real.md").write_bytes(b"1")
    (root / "inside.md").symlink_to(root / "real.md")
    (root / "outside.md").symlink_to(tmp_path / "secret.md")
    (root / "broken.md").symlink_to(root / "nothing.md")
    (root / "loop").symlink_to(root)
    assert paths(root) == ["inside.md", "real.md"]


def test_a_link_to_itself_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "self.md").symlink_to(tmp_path / "self.md")
    assert paths(tmp_path) == []


def test_a_pipe_is_skipped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert paths(tmp_path) == []


def test_a_missing_or_empty_root_lists_nothing(tmp_path: Path) -> None:
    assert paths(tmp_path) == []
    assert paths(tmp_path / "missing") == []


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated, since the tests may run as root, to whom permissions do not apply."""
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def fail(path: str) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(UserError, match=r"cannot list .*/locked \(Permission denied\)"):
        paths(tmp_path)


class Entry:
    """A folder's entry that records its calls of stat."""

    def __init__(self, entry: os.DirEntry[str], looks: list[str]) -> None:
        self._entry, self._looks = entry, looks
        self.name, self.path = entry.name, entry.path

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        assert not follow_symlinks  # which would read each link's status
        return self._entry.is_dir(follow_symlinks=False)

    def is_symlink(self) -> bool:
        return self._entry.is_symlink()

    def stat(self) -> os.stat_result:
        self._looks.append(self.path)
        return self._entry.stat()


def watch(monkeypatch: pytest.MonkeyPatch, listed: list[str], looks: list[str]) -> None:
    scandir = os.scandir

    @contextmanager
    def watched(folder: str) -> Iterator[list[Entry]]:
        listed.append(folder)
        with scandir(folder) as entries:
            yield [Entry(entry, looks) for entry in entries]

    def refuse(path: object, **others: object) -> NoReturn:
        raise AssertionError(f"read the status of {path} again")

    monkeypatch.setattr(os, "scandir", watched)
    monkeypatch.setattr(os, "stat", refuse)


def test_each_folder_is_listed_once_and_each_status_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(400):
        folder = tmp_path / f"{number % 20:02}" / "deep"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:04}.md").touch()
    listed: list[str] = []
    looks: list[str] = []
    watch(monkeypatch, listed, looks)
    found = paths(tmp_path)
    monkeypatch.undo()
    assert len(found) == 400 and found == sorted(found)
    assert len(looks) == len(set(looks)) == 400
    assert len(listed) == len(set(listed)) == 1 + 20 + 20


def test_a_file_removed_during_listing_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).touch()
    after_listing(monkeypatch, (tmp_path / "a.md").unlink)
    assert paths(tmp_path) == ["b.md"]


def test_a_folder_removed_during_listing_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.md").touch()
    after_listing(monkeypatch, (tmp_path / "folder").rmdir)
    assert paths(tmp_path) == ["a.md"]


def test_a_folder_replaced_by_a_file_during_listing_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()

    def replace() -> None:
        (tmp_path / "folder").rmdir()
        (tmp_path / "folder").touch()

    after_listing(monkeypatch, replace)
    assert paths(tmp_path) == []


def after_listing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Calls `act` right after the first folder was listed."""
    scandir = os.scandir

    @contextmanager
    def scanned(folder: str) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(folder) as entries:
            found = list(entries)
        monkeypatch.setattr(os, "scandir", scandir)
        act()
        yield found

    monkeypatch.setattr(os, "scandir", scanned)


def test_a_file_whose_status_cannot_be_read_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skipping it would look as if its document had been deleted."""
    (tmp_path / "a.md").write_text("text")

    def fail(self: Entry) -> NoReturn:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Entry, "stat", fail)
    watch(monkeypatch, [], [])
    [file] = list_files(tmp_path)
    assert (file.path, file.size_bytes) == ("a.md", -1)


@pytest.mark.parametrize(
    ("seconds", "year"), [(-11_644_473_600, 1970), (10_413_792_000, 2200), (300_000_000_000, 2200)]
)
def test_times_that_no_table_can_store_are_clamped(tmp_path: Path, seconds: int, year: int) -> None:
    """1601, where Windows time starts, 2300, and beyond 9999. Simulated: not every file system stores them."""
    status = list((tmp_path / "a.md").touch() or (tmp_path / "a.md").stat())
    status[8] = seconds
    file = landing._landing_file("a.md", "a.md", os.stat_result([*status, 0.0, float(seconds), 0.0, 0, 0, 0]))
    assert file.modified_at.year == year


def test_an_edit_that_keeps_size_and_time_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "pump.md"
    path.write_text("40 bar")
    [before] = list_files(tmp_path)
    status = path.stat()
    while True:  # clocks of file systems tick a few hundred times a second
        path.write_text("90 bar")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        if path.stat().st_ctime_ns // 1000 != before.changed_us:
            break
    [after] = list_files(tmp_path)
    assert (after.size_bytes, after.modified_us) == (before.size_bytes, before.modified_us)
    assert after != before


def test_the_change_time_on_a_volume_is_ignored() -> None:
    status = os.stat(__file__)
    assert landing._landing_file("a.md", "/Volumes/main/rag/landing/a.md", status).changed_us is None
    assert landing._landing_file("a.md", "/home/me/landing/a.md", status).changed_us is not None


def test_an_unchanged_file_equals_its_listed_state(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.md").write_text("text")
    [listed] = list_files(tmp_path)
    assert look_at(tmp_path, "b/a.md") == listed
    (tmp_path / "b" / "a.md").write_text("more text")
    assert look_at(tmp_path, "b/a.md") != listed
    (tmp_path / "b" / "a.md").unlink()
    with pytest.raises(FileNotFoundError):
        look_at(tmp_path, "b/a.md")


def test_names_that_are_not_utf_8_can_be_stored(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_bytes(b"1")
    [path] = paths(tmp_path)
    assert path == "caf\\xe9.md"
    assert path.encode("utf-8")


def test_doc_id_depends_only_on_the_path() -> None:
    old, new = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    assert LandingFile("a/b.md", 1, old).doc_id == hashlib.sha256(b"a/b.md").hexdigest()[:32]
    assert LandingFile("a/b.md", 2, new).doc_id == LandingFile("a/b.md", 1, old).doc_id
    assert LandingFile("a/c.md", 1, old).doc_id != LandingFile("a/b.md", 1, old).doc_id


def test_the_modification_time_has_microseconds() -> None:
    assert LandingFile("a", 1, datetime(1970, 1, 2, microsecond=7, tzinfo=UTC)).modified_us == 86_400_000_007


def test_content_hash_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    assert content_hash(tmp_path / "a") == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    with pytest.raises(FileNotFoundError):
        content_hash(tmp_path / "missing")
