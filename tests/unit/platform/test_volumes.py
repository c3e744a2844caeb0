"""Errors of the system with files on a volume, syncing, and the choice of access."""

import errno
import os
from pathlib import Path

import pytest

from ragops.platform.volumes.errors import AccessDenied, PathNotFound, VolumeError, VolumeFull, explained
from ragops.platform.volumes.mounted import MountedFiles
from ragops.platform.volumes.open import on_volume, volume_files


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOENT, PathNotFound, "not found (No such file or directory); run the refresh job"),
        (errno.EACCES, AccessDenied, "needs WRITE VOLUME on volume a.b.c, with USE CATALOG and USE SCHEMA (Permission"),
        (errno.EPERM, AccessDenied, "needs WRITE VOLUME on volume a.b.c, with USE CATALOG and USE SCHEMA (Operation"),
        (errno.EROFS, VolumeError, "(Read-only file system); make the volume writable"),
        (errno.ENOSPC, VolumeFull, "(No space left on device); free some"),
        (errno.EDQUOT, VolumeFull, "(Disk quota exceeded); free some"),
        (errno.EISDIR, VolumeError, "is a directory; move"),
        (errno.ENOTEMPTY, VolumeError, "directory not empty; move"),
        (errno.ENAMETOOLONG, VolumeError, "(File name too long); use another"),
        (errno.EIO, VolumeError, "(Input/output error); try again later"),
        (errno.ENOTCONN, VolumeError, "(Transport endpoint is not connected); try again later"),
        (errno.ESTALE, VolumeError, "(Stale file handle); try again later"),
    ],
)
def test_an_error_of_the_system_names_the_file_the_reason_and_the_fix(
    number: int, kind: type[VolumeError], words: str
) -> None:
    with pytest.raises(VolumeError) as caught, explained(Path("/Volumes/a/b/c/file"), "WRITE VOLUME"):
        raise OSError(number, os.strerror(number))
    line = str(caught.value)
    assert type(caught.value) is kind
    assert line.startswith("/Volumes/a/b/c/file: ") and words in line and "\n" not in line


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP])
def test_a_file_is_written_on_a_volume_without_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(file: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    MountedFiles().write(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_file_lost_during_fsync_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def lose(file: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", lose)
    with pytest.raises(VolumeError, match="file: "):
        MountedFiles().write(tmp_path / "file", b"content")


def test_volumes_are_recognized_by_their_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    assert on_volume(Path("/Volumes/main/rag/indexes/models"))
    assert on_volume(tmp_path / "Volumes" / "main" / "rag")
    assert not on_volume(tmp_path / "mlflow")
    assert isinstance(volume_files(tmp_path / "Volumes"), MountedFiles)
    monkeypatch.delenv("LOCALBUNDLE_HOME")
    monkeypatch.chdir(tmp_path)
    assert not on_volume(tmp_path / "Volumes" / "main" / "rag")
