"""Operations on the files of a volume: only those that Databricks volumes support."""

from __future__ import annotations

import hashlib
import io
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, ClassVar

from ragops.platform.volumes.errors import PathNotFound

PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class FileInfo:
    """An entry of a folder; `modified` is the time of its last write, by the volume's clock."""

    name: str
    is_folder: bool
    modified: datetime


class VolumeFiles(ABC):
    """Files by their full paths. Thread-safe. All methods raise VolumeError, PathNotFound if there is no such path."""

    remote: ClassVar[bool]
    """Whether each call is an HTTP request, which is slow and may fail while others succeed."""

    def read(self, path: Path) -> bytes:
        """A small file's content."""
        return b"".join(self._pieces(path))

    def download(self, path: Path, target: Path) -> None:
        """Writes a file's content to a local file, which is left incomplete if that fails.

        Raises:
            VolumeError: the file cannot be read.
            OSError: `target` cannot be written.
        """
        with target.open("wb") as file:
            for piece in self._pieces(path):
                file.write(piece)

    def copy(self, folder: Path, into: Path) -> None:
        """Copies the content of a folder into a local folder.

        Raises:
            VolumeError: a file cannot be read.
            OSError: `into` cannot be written.
        """
        for path, entry in self.walk(folder):
            target = into / path.relative_to(folder)
            if entry.is_folder:
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                self.download(path, target)

    def digest(self, path: Path) -> str:
        """SHA-256 of a file's content, in hex."""
        digest = hashlib.sha256()
        for piece in self._pieces(path):
            digest.update(piece)
        return digest.hexdigest()

    def write(self, path: Path, content: bytes) -> None:
        """Writes or replaces a file; creates its parent folders."""
        self._put(path, io.BytesIO(content))

    def upload(self, source: Path, path: Path) -> None:
        """Copies a local file, without its metadata; creates its parent folders.

        Raises:
            VolumeError: the file cannot be written, or `source` cannot be read.
        """
        with source.open("rb") as content:
            self._put(path, content)

    def walk(self, folder: Path) -> Iterator[tuple[Path, FileInfo]]:
        """All files and folders below a folder with their paths, each folder after its content."""
        for entry in self.list(folder):
            if entry.is_folder:
                yield from self.walk(folder / entry.name)
            yield folder / entry.name, entry

    def remove_folder(self, folder: Path) -> None:
        """Removes a folder and its content; does nothing if it does not exist."""
        with suppress(PathNotFound):
            for path, entry in list(self.walk(folder)):
                if entry.is_folder:
                    self._remove_empty(path)
                else:
                    self.remove(path)
            self._remove_empty(folder)

    @abstractmethod
    def create(self, path: Path, content: bytes) -> bool:
        """Writes a new file; creates its parent folders. It is on disk when this returns, where the volume is a folder.

        Returns:
            False if the path exists; it stays as it is. A killed process may leave the beginning of a file.
        """

    @abstractmethod
    def sync(self, path: Path) -> None:
        """Returns when a file that is there is on disk, where the volume is a folder; does nothing elsewhere."""

    @abstractmethod
    def list(self, folder: Path) -> list[FileInfo]:
        """The files and folders in a folder, sorted by name."""

    @abstractmethod
    def remove(self, path: Path) -> None:
        """Removes a file; does nothing if it does not exist."""

    @abstractmethod
    def _pieces(self, path: Path) -> Iterator[bytes]:
        """A file's content in pieces."""

    @abstractmethod
    def _put(self, path: Path, content: BinaryIO) -> None:
        """Writes a whole file; creates its parent folders."""

    @abstractmethod
    def _remove_empty(self, folder: Path) -> None:
        """Removes an empty folder; does nothing if it does not exist."""
