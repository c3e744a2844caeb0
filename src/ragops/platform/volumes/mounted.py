"""Files of a mounted volume, or of any folder: by path."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ragops.platform.volumes.errors import explained
from ragops.platform.volumes.interface import PIECE_BYTES, FileInfo, VolumeFiles

# Errors of fsync that mean data loss. Others mean that the volume has no fsync: it writes a file when it is closed.
_LOST = (errno.EIO, errno.ENOSPC, errno.EDQUOT)


class MountedFiles(VolumeFiles):
    """Files of a mounted volume or of any folder, by the system calls that volumes support."""

    remote = False

    def create(self, path: Path, content: bytes) -> bool:
        """Writes a new file, through to the disk."""
        with explained(path, "WRITE VOLUME"):
            above = path.parent if path.parent.is_dir() else path.parent.parent
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                file = path.open("xb")
            except FileExistsError:
                return False
            try:
                with file:
                    _fill(file, io.BytesIO(content))
            except OSError:
                with suppress(OSError):
                    path.unlink()
                raise
            _sync_folders(path.parent, above)
        return True

    def sync(self, path: Path) -> None:
        """Writes a file and its folder's entry through to the disk."""
        with explained(path, "WRITE VOLUME"):
            with path.open("rb") as file:
                _sync(file.fileno())
            _sync_folders(path.parent)

    def list(self, folder: Path) -> list[FileInfo]:
        """The files and folders in a folder, sorted by name; entries that vanish during the call are omitted."""
        with explained(folder, "READ VOLUME"), os.scandir(folder) as entries:
            return sorted(_found(entries), key=lambda entry: entry.name)

    def remove(self, path: Path) -> None:
        """Removes a file; does nothing if it does not exist."""
        with explained(path, "WRITE VOLUME"):
            path.unlink(missing_ok=True)

    def _pieces(self, path: Path) -> Iterator[bytes]:
        with explained(path, "READ VOLUME"):
            file = path.open("rb")
        with file:
            while piece := self._piece(path, file):
                yield piece

    def _piece(self, path: Path, file: BinaryIO) -> bytes:
        with explained(path, "READ VOLUME"):
            return file.read(PIECE_BYTES)

    def _put(self, path: Path, content: BinaryIO) -> None:
        with explained(path, "WRITE VOLUME"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                _fill(file, content)

    def _remove_empty(self, folder: Path) -> None:
        with explained(folder, "WRITE VOLUME"), suppress(FileNotFoundError):
            folder.rmdir()


def _fill(file: BinaryIO, content: BinaryIO) -> None:
    """Writes in order, and to disk at once where that is supported: no manifest may outlive its files."""
    while piece := content.read(PIECE_BYTES):
        file.write(piece)
    file.flush()
    _sync(file.fileno())


def _sync_folders(*folders: Path) -> None:
    """Without this a new file may lose its name in a power failure."""
    for folder in dict.fromkeys(folders):
        handle = os.open(folder, os.O_RDONLY)
        try:
            _sync(handle)
        finally:
            os.close(handle)


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in _LOST:
            raise


def _found(entries: Iterable[os.DirEntry[str]]) -> Iterator[FileInfo]:
    for entry in entries:
        with suppress(FileNotFoundError):
            # Links are not followed: they may point anywhere, and remove_folder deletes what a folder contains.
            written = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
            yield FileInfo(entry.name, entry.is_dir(follow_symlinks=False), written)
