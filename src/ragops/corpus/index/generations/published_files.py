"""X"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ragops.corpus.index.generations.manifest import MANIFEST, Damaged, Manifest, differing, parse_manifest
from ragops.corpus.index.generations.pointer import Pointer, PointerFile, no_index
from ragops.errors import UserError
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import INDEXES, Workspace, cache_folder

_NAME = re.compile(r"\d{6,}-[0-9a-f]{8}")
_OLD_DRAFT = ".building-"  # how versions before this one called what they were building or removing
_REFRESH = "run the refresh job"


class PublishedIndex:
    """One index on a volume, or in any folder. All methods raise UserError for what cannot be read or written."""

    def __init__(self, root: Path, files: VolumeFiles | None = None) -> None:
        """`files`: this place's way to them unless another is given.

        Raises:
            UserError: that way needs credentials and there are none.
        """
        self.root = root
        self._files = files or volume_files(root)
        self._pointer = PointerFile(root, self._files)

    @property
    def remote(self) -> bool:
        """Whether reading is a request, which takes its time and may fail while others succeed."""
        return self._files.remote

    def find_pointer(self) -> Pointer | None:
        """The pointer, or None before the first publish."""
        return self._pointer.find()

    def pointer(self) -> Pointer:
        """The pointer; an error before the first publish."""
        pointer = self.find_pointer()
        if pointer is None:
            raise no_index(self.root)
        return pointer

    def write_pointer(self, pointer: Pointer) -> None:
        """Makes a generation the live one, for readers from here on."""
        self._pointer.write(pointer)

    def repair_pointer(self, recorded: str | None) -> None:
        """Writes the pointer again if it is half there, or is not what was `recorded`; for who holds the lock."""
        wanted = None
        if recorded:
            with suppress(ValueError):  # whoever changed the record by hand is not followed
                wanted = Pointer.model_validate_json(recorded)
        # A recorded generation may be gone: somebody has removed the index.
        self._pointer.repair(wanted if wanted and wanted.generation in self.names() else None)

    def folder(self, generation: str) -> Path:
        """Where a generation lies."""
        return self.root / "generations" / generation

    def names(self) -> list[str]:
        """Finished generations, oldest first. A folder with the manifest of another one is none."""
        return [manifest.name for manifest in self.manifests()]

    def manifests(self) -> list[Manifest]:
        """Those of the finished generations, oldest first."""
        found = []
        for name in filter(_NAME.fullmatch, self._folders()):
            if self._holds_manifest(name):
                with suppress(Damaged):
                    found.append(self.manifest(name))
        return found

    def next_number(self) -> int:
        """One more than any number in use, by what is unfinished too."""
        numbers = [int(name.split("-")[0]) for name in filter(_NAME.fullmatch, self._folders())]
        return max(numbers, default=0) + 1

    def manifest(self, generation: str) -> Manifest:
        """A generation's manifest."""
        manifest = parse_manifest(self.manifest_bytes(generation), self.folder(generation))
        if manifest.name != generation:
            raise Damaged(
                f"{self.folder(generation)} holds the manifest of {manifest.name}: remove that folder, which is a copy"
            )
        return manifest

    def manifest_bytes(self, generation: str) -> bytes:
        """A generation's manifest as it lies there."""
        try:
            return self._files.read(self.folder(generation) / MANIFEST)
        except PathNotFound as error:
            raise UserError(f"index generation {self.folder(generation)}: there is none; {_REFRESH}") from error

    def live_manifest(self) -> Manifest | None:
        """The live generation's manifest; None where there is none or it is damaged: a publish then starts afresh."""
        with suppress(Damaged):
            pointer = self.find_pointer()
            return self.manifest(pointer.generation) if pointer and self._holds_manifest(pointer.generation) else None
        return None

    def problems(self) -> Iterator[str]:
        """What lies there and does not count, one line each, for people."""
        try:
            self.find_pointer()
        except Damaged as damaged:
            yield str(damaged)
        for name in self._folders():
            if _NAME.fullmatch(name) and self._holds_manifest(name):
                try:
                    self.manifest(name)
                except Damaged as damaged:
                    yield str(damaged)

    def changed_files(self, manifest: Manifest) -> set[str]:
        """Files of a generation that are missing, new or different from what its manifest recorded; reads each once."""
        folder = self.folder(manifest.name)
        found = {name: self._files.digest(folder / name) for name in self._file_names(manifest.name) - {MANIFEST}}
        return differing(found, manifest.files)

    def missing_files(self, manifest: Manifest) -> set[str]:
        """Files that a manifest names and that are not there; reads none."""
        return manifest.files.keys() - self._file_names(manifest.name)

    def _file_names(self, generation: str) -> set[str]:
        folder = self.folder(generation)
        if generation not in self._folders():
            return set()
        return {path.relative_to(folder).as_posix() for path, one in self._files.walk(folder) if not one.is_folder}

    def copy(self, generation: str, into: Path) -> Path:
        """Copies a generation into a folder of this machine, its manifest last; what is there is written over.

        Raises:
            UserError: a file is missing, or names a place outside of `into`.
            OSError: `into` cannot be written.
        """
        content = self.manifest_bytes(generation)
        for name in parse_manifest(content, self.folder(generation)).files:
            target = into / name
            if not target.resolve().is_relative_to(into.resolve()):
                raise UserError(f"{self.folder(generation) / MANIFEST} names {name!r}, outside of it: {_REFRESH} again")
            target.parent.mkdir(parents=True, exist_ok=True)
            self._files.download(self.folder(generation) / name, target)
        (into / MANIFEST).write_bytes(content)
        return into

    def install(self, directory: Path, generation: str, check: Callable[[], None]) -> None:
        """Copies a sealed draft under its generation's name, its manifest last. `check` is called before each file."""
        files = sorted(path for path in directory.rglob("*") if path.is_file() and path != directory / MANIFEST)
        for path in (*files, directory / MANIFEST):
            check()
            self._files.upload(path, self.folder(generation) / path.relative_to(directory))

    def remove(self, generation: str) -> None:
        """Removes a generation, its manifest first, so that what a crash leaves does not count."""
        self._files.remove(self.folder(generation) / MANIFEST)
        self._files.remove_folder(self.folder(generation))

    def remove_unfinished(self, age: timedelta, kept: Collection[str]) -> None:
        """Removes what was begun or removed in part; for who holds the lock.

        Args:
            age: how long nobody may have written to it.
            kept: generations that stay whatever they look like, since a pointer names them.
        """
        for name in self._folders():
            own = name.startswith(_OLD_DRAFT) or (_NAME.fullmatch(name) and self._is_unfinished(name))
            if own and name not in kept and self._untouched_for(name, age):
                self._files.remove_folder(self.folder(name))

    def _is_unfinished(self, name: str) -> bool:
        """Whether its manifest is missing or cut off. One of another version of this library is neither."""
        if not self._holds_manifest(name):
            return True
        try:
            json.loads(self._files.read(self.folder(name) / MANIFEST))
            return False
        except ValueError:
            return True

    def _untouched_for(self, name: str, age: timedelta) -> bool:
        times = [entry.modified for _, entry in self._files.walk(self.folder(name)) if not entry.is_folder]
        return not age or all(datetime.now(UTC) - time > age for time in times)

    def _folders(self) -> list[str]:
        """What lies beside the generations, they included, sorted."""
        try:
            return [entry.name for entry in self._files.list(self.root / "generations") if entry.is_folder]
        except PathNotFound:
            return []

    def _holds_manifest(self, name: str) -> bool:
        """By listing: reading may fail for a moment, and what has none is removed."""
        with suppress(PathNotFound):
            return any(entry.name == MANIFEST for entry in self._files.list(self.folder(name)))
        return False


PASSAGES = "passages"
"""The index of a schema's passages: its folder and its lock."""


def index_root(workspace: Workspace) -> Path:
    """The folder of a schema's index: generations and the pointer to the live one."""
    return workspace.volume(INDEXES) / PASSAGES


def local_directory(index_root: Path, purpose: str) -> Path:
    """A folder for one index in this machine's cache; not made yet. `purpose`: "draft", "readers"."""
    root = hashlib.sha256(str(index_root.resolve()).encode()).hexdigest()[:16]
    return cache_folder() / "index" / root / purpose
