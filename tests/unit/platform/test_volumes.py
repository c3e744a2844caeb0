"""What the system says of a file on a volume, as a user reads it; and files that a volume treats as it likes."""

import errno
import os
from pathlib import Path

import pytest

from ragops.platform.volumes.errors import NotThere, VolumeError, explained
from ragops.platform.volumes.mounted import MountedFiles
from ragops.platform.volumes.open import on_volume, volume_files

_LACKS = "not permitted; whoever runs this needs WRITE VOLUME on volume a.b.c, with USE CATALOG and USE SCHEMA"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOENT, "not there (No such file or directory); run the refresh job, or give the right schema"),
        (errno.EACCES, f"{_LACKS} (Permission denied); grant it: docs/rights.md says by whom"),
        (errno.EPERM, f"{_LACKS} (Operation not permitted); grant it: docs/rights.md says by whom"),
        (errno.EROFS, "cannot be written (Read-only file system); make the volume writable, and run this again"),
        (errno.ENOSPC, "no space left to write it (No space left on device); free some, and run this again"),
        (errno.EDQUOT, "no space left to write it (Disk quota exceeded); free some, and run this again"),
        (errno.EISDIR, "is a directory; move away what is there, and run this again"),
        (errno.ENOTEMPTY, "directory not empty; move away what is there, and run this again"),
        (errno.ENAMETOOLONG, "no name that a volume takes (File name too long); use another one"),
        (errno.EIO, "the volume does not answer (Input/output error); try again later"),
        (errno.ENOTCONN, "the volume does not answer (Transport endpoint is not connected); try again later"),
        (errno.ESTALE, "the volume does not answer (Stale file handle); try again later"),
    ],
)
def test_each_refusal_names_the_file_the_reason_and_what_to_do(number: int, said: str) -> None:
    with pytest.raises(VolumeError) as caught, explained(Path("/Volumes/a/b/c/file"), "WRITE VOLUME"):
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == f"/Volumes/a/b/c/file: {said}"
    assert isinstance(caught.value, NotThere) == (number == errno.ENOENT)


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP])
def test_a_volume_that_refuses_to_sync_has_the_file_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(file: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    MountedFiles().write(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_file_that_is_lost_while_it_is_synced_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def lose(file: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", lose)
    with pytest.raises(VolumeError, match="file: "):
        MountedFiles().write(tmp_path / "file", b"content")


def test_what_is_on_a_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    assert on_volume(Path("/Volumes/main/rag/indexes/models"))
    assert on_volume(tmp_path / "Volumes" / "main" / "rag")
    assert not on_volume(tmp_path / "mlflow")
    assert isinstance(volume_files(tmp_path / "Volumes"), MountedFiles)
    monkeypatch.delenv("LOCALBUNDLE_HOME")
    monkeypatch.chdir(tmp_path)
    assert not on_volume(tmp_path / "Volumes" / "main" / "rag")
