"""The files that lie in the landing folder, and their identities."""

import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from stat import S_ISREG

from ragops.errors import UserError, lacks

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Damaged clocks and file systems without times write years from 1601 to beyond 9999. pandas holds none after 2262,
# and Spark 3 writes none before 1900 into Parquet.
_EARLIEST, _LATEST = 0, 7_258_118_400  # seconds: 1970 and 2200
# Volumes give every object the time of its upload, and what their mount gives as ctime is documented nowhere: were it
# the time of mounting, every run would read everything.
_VOLUMES = "/Volumes/"
_PASSING = frozenset(
    {
        errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.ETIMEDOUT, errno.EAGAIN,
        errno.EINTR, errno.EBUSY, errno.ENODEV, errno.ENXIO, errno.ECONNRESET, errno.ECONNABORTED, errno.ECONNREFUSED,
        errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.EMFILE, errno.ENFILE,
    }
)  # fmt: skip


@dataclass(frozen=True)
class LandingFile:
    """A file below the landing folder.

    `path` is relative to it, with '/' between the parts; bytes of a name that are not UTF-8 show as `\\xNN`
    (tables hold text only; such a file is then not found, and is quarantined under the name shown).
    """

    path: str
    size_bytes: int
    """-1 where the file is listed but will not say: it is there, and may be read next time."""
    modified_at: datetime
    """Aware, UTC, between 1970 and 2200."""
    changed_us: int | None = None
    """When content or status was last changed (ctime), in microseconds since 1970; None where that is not kept.

    Unlike `modified_at` it cannot be set, so that an edit shows that keeps size and time.
    """

    @property
    def doc_id(self) -> str:
        """The identity of the document, whatever its content: 32 hex digits of the SHA-256 of its relative path."""
        return hashlib.sha256(self.path.encode()).hexdigest()[:32]

    @property
    def modified_us(self) -> int:
        """When it was last changed, in microseconds since 1970: as exact as a table's timestamp."""
        return (self.modified_at - _EPOCH) // timedelta(microseconds=1)


def list_files(root: Path) -> Iterator[LandingFile]:
    """Yields the regular files below `root`, sorted by path; nothing if `root` does not exist.

    Left out: hidden files and folders, Office lock files (`~$...`), and links that lead out of `root` or to a folder.
    Each folder is listed once and each file looked at once: on a volume either is a request.

    Raises:
        UserError: a folder cannot be listed. Passing over it would look as if its documents had been deleted.
    """
    top = os.path.realpath(root)
    listed = ((path, _look(path, entry, top)) for path, entry in _walk(str(root)))
    # By parts, so that the files of a folder stay together.
    yield from (file for path, file in sorted(listed, key=lambda pair: pair[0].split("/")) if file)


def look_at(root: Path, path: str) -> LandingFile:
    """A file as it is now. Raises OSError if it cannot be looked at."""
    return _landing_file(path, str(root / path), os.stat(root / path))


def listed_before(path: str, size_bytes: int, modified_us: int) -> LandingFile:
    """A file as a listing had it, from its numbers."""
    return LandingFile(path, int(size_bytes), _EPOCH + timedelta(microseconds=int(modified_us)))


def is_passing(error: OSError) -> bool:
    """True for errors that say nothing about a file: it vanished, or the place where it lies fails."""
    return error.errno in _PASSING


def content_hash(file: Path) -> str:
    """SHA-256 of the file's bytes in hex, read in pieces. Raises OSError if the file cannot be read."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _walk(root: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Relative paths of all that is no folder. The kind comes with the listing, mostly without a further look."""
    waiting = [(root, "")]
    while waiting:
        folder, prefix = waiting.pop()
        for entry in _entries(folder):
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                waiting.append((entry.path, f"{prefix}{entry.name}/"))
            elif not entry.name.startswith("~$"):
                yield prefix + entry.name, entry


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):  # vanished since its parent was listed
        return []
    except OSError as error:
        raise _cannot_list(folder, error) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError as error:  # where the listing does not tell the kind
        raise _cannot_list(entry.path, error) from error


def _cannot_list(folder: str, error: OSError) -> UserError:
    if isinstance(error, PermissionError) and folder.startswith(_VOLUMES):
        return lacks("READ VOLUME", f"volume folder {folder}", str(error.strerror))
    return UserError(f"landing: cannot list {folder} ({error.strerror}): make it readable, or move it away")


def _look(path: str, entry: os.DirEntry[str], top: str) -> LandingFile | None:
    """The file with its status, taken once; None for what is no file, or not ours."""
    try:
        if entry.is_symlink() and not _is_inside(os.path.realpath(entry.path), top):
            return None
        status = entry.stat()
    except OSError as error:
        gone = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # or a link to nothing
        return None if gone else LandingFile(_shown(path), -1, _EPOCH)
    return _landing_file(_shown(path), entry.path, status) if S_ISREG(status.st_mode) else None


def _is_inside(path: str, top: str) -> bool:
    return path.startswith(top.rstrip("/") + "/")


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _landing_file(shown: str, location: str, status: os.stat_result) -> LandingFile:
    seconds = min(max(status.st_mtime, _EARLIEST), _LATEST)
    changed_us = None if location.startswith(_VOLUMES) else status.st_ctime_ns // 1000
    return LandingFile(shown, status.st_size, datetime.fromtimestamp(seconds, UTC), changed_us)
