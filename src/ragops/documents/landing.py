"""The files that lie in the landing folder, and their identities."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from stat import S_ISREG

from ragops.errors import UserError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LandingFile:
    """A file below the landing folder.

    `path` is relative to it, with '/' between the parts; bytes of a name that are not UTF-8 show as `\\xNN`
    (tables hold text only; such a file is then not found, and is quarantined under the name shown).
    """

    path: str
    size_bytes: int
    modified_at: datetime
    """Aware, UTC."""

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

    Raises:
        UserError: a folder cannot be listed. Passing over it would look as if its documents had been deleted.
    """
    resolved = root.resolve()
    for file in sorted(_walk(root)):
        if file.is_symlink() and not file.resolve().is_relative_to(resolved):
            continue
        try:
            status = file.stat()
        except OSError:  # vanished since the listing, or a link to nothing
            continue
        if S_ISREG(status.st_mode):
            path = os.fsencode(file.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")
            yield LandingFile(path, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in names if not name.startswith((".", "~$")))


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise UserError(f"landing: cannot list {error.filename} ({error.strerror}): make it readable, or move it away")


def content_hash(file: Path) -> str:
    """SHA-256 of the file's bytes in hex, read in pieces. Raises OSError if the file cannot be read."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
