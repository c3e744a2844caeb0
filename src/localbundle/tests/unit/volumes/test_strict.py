"""Every way in which Python asks for something that a volume on Databricks does not do, and what stays allowed."""

# ruff: noqa: SIM115 - what is opened here is refused
import contextlib
import errno
import fcntl
import os
import shutil
import sqlite3
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from localbundle.volumes.strict import install, remove

RENAME = "cannot rename: write the whole file under its final name"
CROSS = "is a separate file system: copy with shutil.copyfile, then delete"
LINK = "has no links: copy with shutil.copyfile"
APPEND = "cannot append: write a whole file for each batch"
UPDATE = "cannot change a part of a file: create it on local disk, then copy it with shutil.copyfile"
COPY = "keeps no modes, owners or times: copy with shutil.copyfile, not with copy, copy2, copytree or move"
LOCK = "has no locks: use a commit of a Delta table to exclude other writers"
LOCKED = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A volume and a plain folder, each with the file `old`."""
    volume, local = tmp_path / "Volumes" / "v", tmp_path / "VolumesNot"
    for folder in (volume, local):
        folder.mkdir(parents=True)
        (folder / "old").write_text("text")
    install([tmp_path / "Volumes"])
    yield volume, local
    remove([tmp_path / "Volumes"])


@contextlib.contextmanager
def opened(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    file = os.open(path, flags)
    try:
        yield file
    finally:
        os.close(file)


def on_file(call: Callable[[int], object]) -> Callable[[Path], object]:
    def calling(folder: Path) -> object:
        with opened(folder / "old", os.O_WRONLY | os.O_CREAT) as file:
            return call(file)

    return calling


def in_folder(call: Callable[[int], object]) -> Callable[[Path], object]:
    def calling(folder: Path) -> object:
        with opened(folder) as file:
            return call(file)

    return calling


def with_archive(folder: Path) -> None:
    shutil.make_archive(str(folder / "archive"), "zip", folder.parent)


def to_excel(folder: Path, engine: str) -> None:
    pd.DataFrame({"n": [1]}).to_excel(folder / "new.xlsx", engine=engine)


def with_memmap(folder: Path) -> None:
    np.memmap(folder / "new", mode="w+", shape=(2,))


Call = Callable[[Path], object]
REFUSED: dict[str, tuple[int, str, Call]] = {
    "rename": (errno.ENOSYS, RENAME, lambda v: os.rename(v / "old", v / "new")),
    "rename bytes": (errno.ENOSYS, RENAME, lambda v: os.rename(os.fsencode(v / "old"), os.fsencode(v / "new"))),
    "rename folder": (errno.ENOSYS, RENAME, lambda v: os.rename(v, v.with_name("other"))),
    "renames": (errno.ENOSYS, RENAME, lambda v: os.renames(v / "old", v / "new")),
    "rename in a folder": (
        errno.ENOSYS,
        RENAME,
        in_folder(lambda fd: os.rename("old", "new", src_dir_fd=fd, dst_dir_fd=fd)),
    ),
    "replace": (errno.ENOSYS, RENAME, lambda v: os.replace(v / "old", v / "new")),
    "Path.rename": (errno.ENOSYS, RENAME, lambda v: (v / "old").rename(v / "new")),
    "Path.replace": (errno.ENOSYS, RENAME, lambda v: (v / "old").replace(v / "new")),
    "move": (errno.EPERM, COPY, lambda v: shutil.move(v / "old", v / "new")),
    "link": (errno.ENOSYS, LINK, lambda v: os.link(v / "old", v / "new")),
    "link in a folder": (
        errno.ENOSYS,
        LINK,
        in_folder(lambda fd: os.link("old", "new", src_dir_fd=fd, dst_dir_fd=fd)),
    ),
    "hardlink_to": (errno.ENOSYS, LINK, lambda v: (v / "new").hardlink_to(v / "old")),
    "symlink": (errno.ENOSYS, LINK, lambda v: os.symlink("old", v / "new")),
    "symlink in a folder": (errno.ENOSYS, LINK, in_folder(lambda fd: os.symlink("old", "new", dir_fd=fd))),
    "symlink_to": (errno.ENOSYS, LINK, lambda v: (v / "new").symlink_to(v / "old")),
    "open a": (errno.EOPNOTSUPP, APPEND, lambda v: open(v / "old", "a")),
    "open a, bytes": (errno.EOPNOTSUPP, APPEND, lambda v: open(os.fsencode(v / "old"), "ab")),
    "open a, a new file": (errno.EOPNOTSUPP, APPEND, lambda v: open(v / "new", "a")),
    "open a+": (errno.EOPNOTSUPP, APPEND, lambda v: (v / "old").open("a+")),
    "open a+, a new file": (errno.EOPNOTSUPP, APPEND, lambda v: (v / "new").open("a+")),
    "open r+": (errno.EOPNOTSUPP, UPDATE, lambda v: open(v / "old", "r+")),
    "os.open append": (errno.EOPNOTSUPP, APPEND, lambda v: os.open(v / "old", os.O_WRONLY | os.O_APPEND)),
    "os.open read-write": (errno.EOPNOTSUPP, UPDATE, lambda v: os.open(v / "old", os.O_RDWR)),
    "os.open write": (errno.EOPNOTSUPP, UPDATE, lambda v: os.open(v / "old", os.O_WRONLY)),
    "chmod": (errno.EPERM, COPY, lambda v: os.chmod(v / "old", 0o600)),
    "chmod in a folder": (errno.EPERM, COPY, in_folder(lambda fd: os.chmod("old", 0o600, dir_fd=fd))),
    "fchmod": (errno.EPERM, COPY, on_file(lambda fd: os.fchmod(fd, 0o600))),
    "Path.chmod": (errno.EPERM, COPY, lambda v: (v / "old").chmod(0o600)),
    "chown": (errno.EPERM, COPY, lambda v: os.chown(v / "old", os.getuid(), os.getgid())),
    "utime": (errno.EPERM, COPY, lambda v: os.utime(v / "old")),
    "utime of an open file": (errno.EPERM, COPY, on_file(lambda fd: os.utime(fd))),
    "utime in a folder": (errno.EPERM, COPY, in_folder(lambda fd: os.utime("old", dir_fd=fd))),
    "copy": (errno.EPERM, COPY, lambda v: shutil.copy(v / "old", v / "new")),
    "copy2": (errno.EPERM, COPY, lambda v: shutil.copy2(v / "old", v / "new")),
    "copystat": (errno.EPERM, COPY, lambda v: shutil.copystat(v / "old", v)),
    "truncate": (errno.EOPNOTSUPP, UPDATE, lambda v: os.truncate(v / "old", 2)),
    "ftruncate": (errno.EOPNOTSUPP, UPDATE, on_file(lambda fd: os.ftruncate(fd, 2))),
    "flock": (errno.ENOSYS, LOCK, on_file(lambda fd: fcntl.flock(fd, fcntl.LOCK_EX))),
    "lockf": (errno.ENOSYS, LOCK, on_file(lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX))),
    "os.lockf": (errno.ENOSYS, LOCK, on_file(lambda fd: os.lockf(fd, os.F_LOCK, 0))),
    "fcntl": (errno.ENOSYS, LOCK, on_file(lambda fd: fcntl.fcntl(fd, fcntl.F_SETLK, LOCKED))),
    "zip": (errno.EOPNOTSUPP, UPDATE, lambda v: zipfile.ZipFile(v / "new.zip", "w")),
    "zip, appended": (errno.EOPNOTSUPP, UPDATE, lambda v: zipfile.ZipFile(v / "old", "a")),
    "make_archive": (errno.EOPNOTSUPP, UPDATE, with_archive),
    "to_excel, openpyxl": (errno.EOPNOTSUPP, UPDATE, lambda v: to_excel(v, "openpyxl")),
    "to_excel, xlsxwriter": (errno.EOPNOTSUPP, UPDATE, lambda v: to_excel(v, "xlsxwriter")),
    "to_csv, zipped": (errno.EOPNOTSUPP, UPDATE, lambda v: pd.DataFrame({"n": [1]}).to_csv(v / "new.zip")),
    "memmap": (errno.EOPNOTSUPP, UPDATE, with_memmap),
}
if hasattr(os, "setxattr"):
    REFUSED["setxattr"] = (errno.EOPNOTSUPP, COPY, lambda v: os.setxattr(v / "old", "user.a", b"1"))
    REFUSED["removexattr"] = (errno.EOPNOTSUPP, COPY, lambda v: os.removexattr(v / "old", "user.a"))


@pytest.mark.parametrize(("number", "fix", "call"), REFUSED.values(), ids=REFUSED)
def test_a_volume_refuses_with_the_real_errno_and_the_fix(folders, number, fix, call) -> None:
    volume, _ = folders
    with pytest.raises(OSError) as raised:
        call(volume)
    assert raised.value.errno == number
    assert raised.value.strerror == f"{os.strerror(number)}; a volume on Databricks {fix}"
    assert isinstance(raised.value, PermissionError) == (number == errno.EPERM)
    assert "\n" not in str(raised.value)


# Without calls that the machine itself refuses; a plain file is not a zip file to append to.
ELSEWHERE = [name for name in REFUSED if "xattr" not in name and name != "zip, appended"]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_any_other_folder_allows_it(folders, name) -> None:
    _, local = folders
    result = REFUSED[name][2](local)
    if hasattr(result, "close"):
        result.close()
    elif isinstance(result, int) and name.startswith("os.open"):
        os.close(result)


def test_the_message_has_the_paths_as_they_were_given(folders, monkeypatch) -> None:
    volume, _ = folders
    monkeypatch.chdir(volume)
    start = "[Errno 38] Function not implemented; a volume on Databricks"
    with pytest.raises(OSError) as raised:
        os.replace("old", b"new")
    assert str(raised.value) == f"{start} {RENAME}: 'old' -> 'new'"
    assert (raised.value.filename, raised.value.filename2) == ("old", "new")
    with opened(volume / "old") as file, pytest.raises(OSError) as raised:
        fcntl.flock(file, fcntl.LOCK_SH)
    assert str(raised.value) == f"{start} {LOCK}: '{volume}/old'"


def test_a_tree_that_is_copied_into_a_volume_names_the_fix(folders) -> None:
    volume, local = folders
    with pytest.raises(shutil.Error, match=COPY):
        shutil.copytree(local, volume / "tree")


def test_sqlite_fails_as_on_databricks(folders, monkeypatch) -> None:
    volume, local = folders
    sqlite3.connect(local / "made.db").execute("CREATE TABLE t (n)")
    in_uri = [
        f"file:{volume}/new.db?mode=ro",
        f"file://{volume}/new.db",
        f"file://localhost{volume}/new.db#1",
        f"file:{str(volume).replace('V', '%56')}/new.db",
        f"file:{volume}/%ff.db",
        f"file:{volume}/new.db%00",
    ]
    for database in (volume / "new.db", os.fsencode(volume / "new.db"), *in_uri):
        with pytest.raises(sqlite3.OperationalError, match=f"^disk I/O error; a volume on Databricks {UPDATE}: '"):
            sqlite3.connect(database, uri=True)
    shutil.copyfile(local / "made.db", volume / "made.db")
    reader = sqlite3.connect(f"file:{volume}/made.db?mode=ro&immutable=1", uri=True)
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
    sqlite3.connect(":memory:").execute("CREATE TABLE t (n)")
    sqlite3.connect(f"file://localhost{local}/other.db", uri=True).execute("CREATE TABLE t (n)")
    monkeypatch.chdir(volume)
    sqlite3.connect("file::memory:", uri=True).execute("CREATE TABLE t (n)")


@pytest.mark.parametrize("both", [os.rename, os.replace, os.link])
def test_a_rename_between_a_volume_and_another_folder_crosses_file_systems(folders, both) -> None:
    volume, local = folders
    fix = LINK if both is os.link else CROSS
    for old, new in [(volume / "old", local / "new"), (local / "old", volume / "new")]:
        with pytest.raises(OSError) as raised:
            both(old, new)
        assert raised.value.errno == errno.EXDEV
        assert raised.value.strerror == f"Invalid cross-device link; a volume on Databricks {fix}"


def test_files_can_be_moved_and_copied_out_of_a_volume_with_their_metadata(folders) -> None:
    volume, local = folders
    shutil.copytree(volume, local / "tree")
    shutil.move(volume / "old", local / "moved")
    (local / "link").symlink_to(volume)
    assert not (volume / "old").exists()
    assert (local / "moved").read_text() == "text"


def test_a_missing_file_is_a_missing_file(folders) -> None:
    volume, _ = folders
    gone = volume / "gone"
    calls: list[Callable[[], object]] = [
        lambda: os.rename(gone, volume / "new"),
        lambda: os.link(gone, volume / "new"),
        lambda: os.utime(gone),
        lambda: os.chmod(gone, 0o600),
        lambda: os.truncate(gone, 2),
        lambda: open(gone, "r+"),
        lambda: os.open(gone, os.O_WRONLY),
    ]
    for call in calls:
        with pytest.raises(FileNotFoundError):
            call()
    with pytest.raises(FileExistsError):
        os.symlink("old", volume / "old")


def test_whole_files_and_folders_are_allowed(folders) -> None:
    volume, local = folders
    for mode in ("w", "wb", "w+"):
        open(volume / "old", mode).close()
    with open(volume / "new", "x") as file:
        file.write("text")
    with pytest.raises(FileExistsError):
        open(volume / "new", "x")
    os.close(os.open(volume / "made", os.O_RDWR | os.O_CREAT))
    os.truncate(volume / "old", 0)
    (volume / "old").touch()  # asks for the time, and is content with opening it
    (volume / "touched").touch()
    shutil.copyfile(local / "old", volume / "old")
    assert (volume / "old").read_text() == "text"
    with tempfile.NamedTemporaryFile(dir=volume) as file:
        file.write(b"text")
    with tempfile.TemporaryDirectory(dir=volume) as folder:
        Path(folder, "a").write_text("a")
    (volume / "a" / "b").mkdir(parents=True)
    (volume / "a" / "b" / "c").write_text("c")
    shutil.rmtree(volume / "a")
    os.remove(volume / "old")
    assert sorted(os.listdir(volume)) == ["made", "new", "touched"]
    with zipfile.ZipFile(local / "a.zip", "w") as archive:
        archive.writestr("a", "b")
    shutil.copyfile(local / "a.zip", volume / "a.zip")
    with zipfile.ZipFile(volume / "a.zip") as archive:
        archive.extractall(volume / "unpacked")
    assert (volume / "unpacked" / "a").read_text() == "b"
    to_excel(local, "openpyxl")
    shutil.copyfile(local / "new.xlsx", volume / "new.xlsx")
    assert pd.read_excel(volume / "new.xlsx")["n"].tolist() == [1]
    pd.DataFrame({"n": [1]}).to_csv(volume / "n.csv.gz")
    np.save(volume / "n.npy", np.arange(3))
    assert np.load(volume / "n.npy", mmap_mode="r").tolist() == [0, 1, 2]


def test_roots_accumulate_and_can_be_removed(folders, tmp_path) -> None:
    _, local = folders
    install([local])
    install([str(local)])
    with pytest.raises(OSError):
        os.rename(local / "old", local / "new")
    remove([local])
    os.rename(local / "old", local / "new")


@st.composite
def spellings(draw: st.DrawFn) -> tuple[bool, list[str], str]:
    """Whether a path leads into the volume, the ways it takes on from the start, and how it is handed over."""
    inside = draw(st.booleans())
    start = draw(st.sampled_from(["absolute", "relative", "link", "dir_fd"]))
    detours = draw(st.lists(st.sampled_from([".", "", "folder/..", "../v", "folder/../../v"]), max_size=4))
    return inside, detours, start + draw(st.sampled_from([" str", " bytes", " Path"]))


@given(spellings())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
def test_every_spelling_of_a_path_counts(folders, tmp_path, spelling) -> None:
    inside, detours, how = spelling
    start, kind = how.split()
    # Both hold a folder `v`, so that detours stay where they are.
    base = tmp_path / ("Volumes" if inside else "Elsewhere") / "v"
    (base / "folder").mkdir(parents=True, exist_ok=True)
    link = tmp_path / f"link-{inside}"
    if not link.exists():
        link.symlink_to(base)
    parts = [*detours, "file"]
    if start == "link":
        parts = [str(link), *parts]
    elif start == "absolute":
        parts = [str(base), *parts]
    name = "/".join(part for part in parts if part) if start != "absolute" else "/".join(parts)
    (base / "file").write_text("text")
    given = {"str": name, "bytes": os.fsencode(name), "Path": Path(name)}[kind]
    before = os.getcwd()
    if start == "relative":
        os.chdir(base)
    try:
        with opened(base) as folder:
            keyword = {"dir_fd": folder} if start == "dir_fd" else {}
            if inside:
                with pytest.raises(PermissionError):
                    os.utime(given, **keyword)
            else:
                os.utime(given, **keyword)
            renaming = {"src_dir_fd": folder} if start == "dir_fd" else {}
            if inside:
                with pytest.raises(OSError) as raised:
                    os.rename(given, base / "renamed", **renaming)
                assert raised.value.errno == errno.ENOSYS
            else:
                os.rename(given, base / "renamed", **renaming)
    finally:
        os.chdir(before)
