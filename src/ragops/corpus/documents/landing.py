"""The files in the landing folder, and their identities."""

import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from stat import S_ISREG

from ragops.errors import UserError, lacks

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Wrong clocks and file systems without times give years from 1601 to beyond 9999. pandas supports none after 2262,
# and Spark 3 writes none before 1900 to Parquet.
_EARLIEST, _LATEST = 0, 7_258_118_400  # seconds: 1970 and 2200
# Volumes give every object the time of its upload. The ctime of their mount is not documented: if it were the time of
# mounting, every run would read every file.
_VOLUMES = "/Volumes/"
_TRANSIENT = frozenset(
    {
        errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.ETIMEDOUT, errno.EAGAIN,
        errno.EINTR, errno.EBUSY, errno.ENODEV, errno.ENXIO, errno.ECONNRESET, errno.ECONNABORTED, errno.ECONNREFUSED,
        errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.EMFILE, errno.ENFILE,
    }
)  # fmt: skip


@dataclass(frozen=True)
class LandingFile:
    """A file below the landing folder.

    `path` is relative to it, with '/' between the parts; bytes of a name that are not UTF-8 appear as `\\xNN`
    (tables store text only; such a file cannot be opened by that name, and is quarantined under it).
    """

    path: str
    size_bytes: int
    """-1 if the file is listed but its status cannot be read now; the next run may read it."""
    modified_at: datetime
    """Aware, UTC, between 1970 and 2200."""
    changed_us: int | None = None
    """When content or status last changed (ctime), in microseconds since 1970; None where it is not available.

    Unlike `modified_at` it cannot be set, so it reveals edits that keep size and modification time.
    """
    earlier_tries: int = field(default=0, compare=False)
    """How often its parser failed by chance."""

    @property
    def doc_id(self) -> str:
        """The document's identity, independent of its content: 32 hex digits of the SHA-256 of its relative path."""
        return hashlib.sha256(self.path.encode()).hexdigest()[:32]

    @property
    def modified_us(self) -> int:
        """Modification time in microseconds since 1970, the precision of a table's timestamp."""
        return (self.modified_at - _EPOCH) // timedelta(microseconds=1)


def list_files(root: Path) -> Iterator[LandingFile]:
    """Yields the regular files below `root`, sorted by path; nothing if `root` does not exist.

    Skipped: hidden files and folders, Office lock files (`~$...`), and links that lead out of `root` or to a folder.
    Each folder is listed once and each file's status read once: on a volume, both are requests.

    Raises:
        UserError: a folder cannot be listed. Skipping it would look as if its documents had been deleted.
    """
    top = os.path.realpath(root)
    listed = ((path, _file_with_status(path, entry, top)) for path, entry in _walk(str(root)))
    # By parts, so that the files of a folder stay together.
    yield from (file for path, file in sorted(listed, key=lambda pair: pair[0].split("/")) if file)


def look_at(root: Path, path: str) -> LandingFile:
    """The file's current status. Raises OSError if it cannot be read."""
    return _landing_file(path, str(root / path), os.stat(root / path))


def listed_before(path: str, size_bytes: int, modified_us: int, earlier_tries: int = 0) -> LandingFile:
    """A file as an earlier listing recorded it."""
    modified_at = _EPOCH + timedelta(microseconds=int(modified_us))
    return LandingFile(path, int(size_bytes), modified_at, earlier_tries=int(earlier_tries))


def is_transient(error: OSError) -> bool:
    """Whether an error is unrelated to the file's content: it was removed, or its storage failed."""
    return error.errno in _TRANSIENT


def content_hash(file: Path) -> str:
    """SHA-256 of the file's bytes in hex. Raises OSError if the file cannot be read."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _walk(root: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Relative paths of everything that is not a folder; the listing usually includes the type."""
    pending = [(root, "")]
    while pending:
        folder, prefix = pending.pop()
        for entry in _entries(folder):
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                pending.append((entry.path, f"{prefix}{entry.name}/"))
            elif not entry.name.startswith("~$"):
                yield prefix + entry.name, entry


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):  # removed since its parent was listed
        return []
    except OSError as error:
        raise _cannot_list(folder, error) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError as error:  # the listing did not include the type
        raise _cannot_list(entry.path, error) from error


def _cannot_list(folder: str, error: OSError) -> UserError:
    if isinstance(error, PermissionError) and folder.startswith(_VOLUMES):
        return lacks("READ VOLUME", f"volume folder {folder}", str(error.strerror))
    return UserError(f"landing: cannot list {folder} ({error.strerror}); make it readable or remove it")


def _file_with_status(path: str, entry: os.DirEntry[str], top: str) -> LandingFile | None:
    """The file with its status; None for anything but a regular file below the landing folder."""
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
