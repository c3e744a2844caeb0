"""Where readers take a published index from: a folder, or a volume that is not mounted here."""

import shutil
from pathlib import Path
from typing import ClassVar, Protocol

from ragops.errors import UserError
from ragops.index.manifest import (
    MANIFEST,
    changed_files,
    generations_directory,
    manifest_bytes,
    parse_manifest,
)
from ragops.index.pointer import POINTER_FILE, Pointer, no_index, parse_pointer, read_pointer
from ragops.volumes import NotThere, VolumeFiles
from ragops.workspace import is_mounted


class IndexFiles(Protocol):
    """The pointer and the generations of one index. All raise UserError for what cannot be read."""

    remote: ClassVar[bool]
    """Whether reading is a request, which takes its time and may fail while others succeed."""

    def pointer(self) -> Pointer:
        """The live generation's name."""

    def manifest(self, generation: str) -> bytes:
        """A generation's manifest as it lies there."""

    def copy(self, generation: str, into: Path) -> None:
        """Fills an empty directory with a generation. Raises OSError when that cannot be written."""


class MountedIndex:
    """An index in a folder of this machine."""

    remote: ClassVar[bool] = False

    def __init__(self, root: Path) -> None:
        self._root = root

    def pointer(self) -> Pointer:
        """The live generation's name."""
        return read_pointer(self._root)

    def manifest(self, generation: str) -> bytes:
        """A generation's manifest."""
        return manifest_bytes(generations_directory(self._root) / generation)

    def copy(self, generation: str, into: Path) -> None:
        """Copies all that the generation's directory holds."""
        shutil.copytree(generations_directory(self._root) / generation, into, dirs_exist_ok=True)


class VolumeIndex:
    """An index on a volume, through the Files API."""

    remote: ClassVar[bool] = True

    def __init__(self, root: Path, volumes: VolumeFiles) -> None:
        """`root`: /Volumes/CATALOG/SCHEMA/..."""
        self._root, self._volumes = root, volumes

    def pointer(self) -> Pointer:
        """The live generation's name."""
        path = self._root / POINTER_FILE
        try:
            return parse_pointer(self._volumes.read(path), path)
        except NotThere as error:
            raise no_index(self._root) from error

    def manifest(self, generation: str) -> bytes:
        """A generation's manifest."""
        return self._volumes.read(generations_directory(self._root) / generation / MANIFEST)

    def copy(self, generation: str, into: Path) -> None:
        """Downloads the files that the manifest names, compares their digests, and writes the manifest last."""
        source = generations_directory(self._root) / generation
        content = self.manifest(generation)
        recorded = parse_manifest(content, source).files
        for name in recorded:
            target = into / name
            if not target.resolve().is_relative_to(into.resolve()):
                raise UserError(f"{source / MANIFEST} names {name!r}, outside of it: run the refresh job again")
            target.parent.mkdir(parents=True, exist_ok=True)
            self._volumes.download(source / name, target)
        if changed := changed_files(into, recorded):
            raise UserError(
                f"index generation {generation}: {min(changed)} is not what the manifest says: run the refresh job, "
                "if trying again does not help"
            )
        (into / MANIFEST).write_bytes(content)


def index_files(root: Path) -> IndexFiles:
    """The way to an index in this place. Raises UserError when it needs credentials and there are none."""
    return MountedIndex(root) if is_mounted(root) else VolumeIndex(root, VolumeFiles())
