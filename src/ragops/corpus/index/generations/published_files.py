"""An index on its volume: generations, and the pointer to the live one.

INDEX_ROOT/pointer.json                         the live generation's name
INDEX_ROOT/pointer.copy.json                    the same, written first, in case pointer.json is damaged
INDEX_ROOT/generations/000012-1a2b3c4d/         number and the first 8 digits of the model's fingerprint
    chroma/  bm25/  passages.sqlite  rows.json  manifest.json, and access.json if access is restricted

A generation is complete once its manifest exists, which is written last and removed first. Nothing is ever renamed or
changed, since a volume supports neither.
"""

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

PASSAGES = "passages"
"""The index of a schema's passages: its folder and its lock."""

_NAME = re.compile(r"\d{6,}-[0-9a-f]{8}")
_OLD_DRAFT = ".building-"  # prefix of unfinished folders of earlier versions
_REFRESH = "run the refresh job"


def index_root(workspace: Workspace) -> Path:
    """The folder of a schema's index: generations and the pointer to the live one."""
    return workspace.volume(INDEXES) / PASSAGES


def local_directory(index_root: Path, purpose: str) -> Path:
    """A folder for one index in this machine's cache; it may not exist yet. `purpose`: "draft", "readers"."""
    root = hashlib.sha256(str(index_root.resolve()).encode()).hexdigest()[:16]
    return cache_folder() / "index" / root / purpose


class PublishedIndex:
    """One index on a volume, or in any folder. All methods raise UserError if a file cannot be read or written."""

    def __init__(self, root: Path, files: VolumeFiles | None = None) -> None:
        """`files`: access to the volume; by default what suits this machine.

        Raises:
            UserError: access needs credentials and there are none.
        """
        self.root = root
        self._files = files or volume_files(root)
        self._pointer = PointerFile(root, self._files)

    @property
    def remote(self) -> bool:
        """Whether reading is a network request, which takes time and may fail."""
        return self._files.remote

    def find_pointer(self) -> Pointer | None:
        """The pointer, or None before the first publish."""
        return self._pointer.find()

    def pointer(self) -> Pointer:
        """The pointer. Raises UserError before the first publish."""
        pointer = self.find_pointer()
        if pointer is None:
            raise no_index(self.root)
        return pointer

    def write_pointer(self, pointer: Pointer) -> None:
        """Makes a generation the live one for readers."""
        self._pointer.write(pointer)

    def repair_pointer(self, recorded: str | None) -> None:
        """Writes the pointer again if it is damaged or differs from `recorded`. The caller must hold the lock."""
        wanted = None
        if recorded:
            with suppress(ValueError):  # a record edited manually is ignored
                wanted = Pointer.model_validate_json(recorded)
        # The recorded generation may not exist, if the index was removed.
        self._pointer.repair(wanted if wanted and wanted.generation in self.names() else None)

    def folder(self, generation: str) -> Path:
        """A generation's folder."""
        return self.root / "generations" / generation

    def names(self) -> list[str]:
        """Names of complete generations, oldest first; a folder with another one's manifest is skipped."""
        return [manifest.name for manifest in self.manifests()]

    def manifests(self) -> list[Manifest]:
        """Manifests of complete generations, oldest first."""
        found = []
        for name in filter(_NAME.fullmatch, self._folders()):
            if self._holds_manifest(name):
                with suppress(Damaged):
                    found.append(self.manifest(name))
        return found

    def next_number(self) -> int:
        """One more than the highest number in use, including unfinished generations."""
        numbers = [int(name.split("-")[0]) for name in filter(_NAME.fullmatch, self._folders())]
        return max(numbers, default=0) + 1

    def manifest(self, generation: str) -> Manifest:
        """A generation's manifest."""
        manifest = parse_manifest(self.manifest_bytes(generation), self.folder(generation))
        if manifest.name != generation:
            raise Damaged(
                f"{self.folder(generation)} contains the manifest of {manifest.name}; remove this copied folder"
            )
        return manifest

    def manifest_bytes(self, generation: str) -> bytes:
        """The bytes of a generation's manifest."""
        try:
            return self._files.read(self.folder(generation) / MANIFEST)
        except PathNotFound as error:
            raise UserError(f"index generation {self.folder(generation)} does not exist; {_REFRESH}") from error

    def live_manifest(self) -> Manifest | None:
        """The live generation's manifest; None if it is missing or damaged, so that a publish rebuilds the index."""
        with suppress(Damaged):
            pointer = self.find_pointer()
            return self.manifest(pointer.generation) if pointer and self._holds_manifest(pointer.generation) else None
        return None

    def problems(self) -> Iterator[str]:
        """Folders that are not valid generations, one line each, for users."""
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
        """Files that a manifest names and that do not exist; reads none of them."""
        return manifest.files.keys() - self._file_names(manifest.name)

    def _file_names(self, generation: str) -> set[str]:
        folder = self.folder(generation)
        if generation not in self._folders():
            return set()
        return {path.relative_to(folder).as_posix() for path, one in self._files.walk(folder) if not one.is_folder}

    def copy(self, generation: str, into: Path) -> Path:
        """Copies a generation into a local folder, its manifest last; existing files are overwritten.

        Raises:
            UserError: a file is missing, or would be written outside of `into`.
            OSError: `into` cannot be written.
        """
        content = self.manifest_bytes(generation)
        for name in parse_manifest(content, self.folder(generation)).files:
            target = into / name
            if not target.resolve().is_relative_to(into.resolve()):
                raise UserError(
                    f"{self.folder(generation) / MANIFEST} names {name!r}, outside of its folder; {_REFRESH} again"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            self._files.download(self.folder(generation) / name, target)
        (into / MANIFEST).write_bytes(content)
        return into

    def install(self, directory: Path, generation: str, check: Callable[[], None]) -> None:
        """Copies a sealed draft to its generation's folder, its manifest last. `check` is called before each file."""
        files = sorted(path for path in directory.rglob("*") if path.is_file() and path != directory / MANIFEST)
        for path in (*files, directory / MANIFEST):
            check()
            self._files.upload(path, self.folder(generation) / path.relative_to(directory))

    def remove(self, generation: str) -> None:
        """Removes a generation, its manifest first, so that a crash leaves it incomplete."""
        self._files.remove(self.folder(generation) / MANIFEST)
        self._files.remove_folder(self.folder(generation))

    def remove_unfinished(self, age: timedelta, kept: Collection[str]) -> None:
        """Removes unfinished and partly removed generations. The caller must hold the lock.

        Args:
            age: minimum time since the last write.
            kept: generations that are never removed, since a pointer names them.
        """
        for name in self._folders():
            own = name.startswith(_OLD_DRAFT) or (_NAME.fullmatch(name) and self._is_unfinished(name))
            if own and name not in kept and self._untouched_for(name, age):
                self._files.remove_folder(self.folder(name))

    def _is_unfinished(self, name: str) -> bool:
        """Whether its manifest is missing or truncated; one of another version of this library is neither."""
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
        """Names of all folders in the generations folder, sorted."""
        try:
            return [entry.name for entry in self._files.list(self.root / "generations") if entry.is_folder]
        except PathNotFound:
            return []

    def _holds_manifest(self, name: str) -> bool:
        """Whether the folder lists a manifest; not by reading it, which may fail briefly."""
        with suppress(PathNotFound):
            return any(entry.name == MANIFEST for entry in self._files.list(self.folder(name)))
        return False
