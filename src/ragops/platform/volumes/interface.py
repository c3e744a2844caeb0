"""What can be done with files on a volume, in every place: no more than a volume has."""

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

from ragops.platform.volumes.errors import NotThere

PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class FileInfo:
    """A file or a folder in a folder; `modified` is when it was written, by the volume's clock."""

    name: str
    is_folder: bool
    modified: datetime


class VolumeFiles(ABC):
    """Files by their full paths. May be shared by threads. All methods raise VolumeError, NotThere where it is not."""

    remote: ClassVar[bool]
    """Whether each call is a request, which takes its time and may fail while others succeed."""

    def read(self, path: Path) -> bytes:
        """A small file's content."""
        return b"".join(self._pieces(path))

    def download(self, path: Path, target: Path) -> None:
        """Writes a file's content to a file of this machine, which is half written where that fails.

        Raises:
            VolumeError: the file cannot be read.
            OSError: `target` cannot be written.
        """
        with target.open("wb") as file:
            for piece in self._pieces(path):
                file.write(piece)

    def copy(self, folder: Path, into: Path) -> None:
        """Writes all that a folder holds into a folder of this machine.

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
        """Writes a file, or replaces the one that is there; makes the folders above it."""
        self._put(path, io.BytesIO(content))

    def upload(self, source: Path, path: Path) -> None:
        """Copies a file of this machine, without its metadata; makes the folders above it.

        Raises:
            VolumeError: the file cannot be written, or `source` cannot be read.
        """
        with source.open("rb") as content:
            self._put(path, content)

    def walk(self, folder: Path) -> Iterator[tuple[Path, FileInfo]]:
        """All files and folders below a folder with their paths, a folder after what it holds."""
        for entry in self.list(folder):
            if entry.is_folder:
                yield from self.walk(folder / entry.name)
            yield folder / entry.name, entry

    def remove_folder(self, folder: Path) -> None:
        """Removes a folder and all that it holds; nothing where there is none."""
        with suppress(NotThere):
            for path, entry in list(self.walk(folder)):
                if entry.is_folder:
                    self._remove_empty(path)
                else:
                    self.remove(path)
            self._remove_empty(folder)

    @abstractmethod
    def list(self, folder: Path) -> list[FileInfo]:
        """What a folder holds, sorted by name. Raises NotThere where there is no such folder."""

    @abstractmethod
    def remove(self, path: Path) -> None:
        """Removes a file; nothing where there is none."""

    @abstractmethod
    def _pieces(self, path: Path) -> Iterator[bytes]:
        """A file's content in pieces."""

    @abstractmethod
    def _put(self, path: Path, content: BinaryIO) -> None:
        """Writes a file whole; makes the folders above it."""

    @abstractmethod
    def _remove_empty(self, folder: Path) -> None:
        """Removes a folder that holds nothing; nothing where there is none."""
