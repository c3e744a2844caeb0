"""An index as it lies on its volume: generations, and the pointer to the live one.

INDEX_ROOT/pointer.json                         the live generation's name
INDEX_ROOT/pointer.copy.json                    the same, written first: for who meets a pointer.json that is half there
INDEX_ROOT/generations/000012-1a2b3c4d/         number and the first 8 digits of the model's fingerprint
    chroma/  bm25/  rows.json  manifest.json, and access.json where not everybody may see everything

A generation counts from the moment its manifest, which is written last, is there as a whole, and no longer once it is
gone, which is removed first. Nothing is ever renamed or changed: a volume cannot.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ragops.errors import UserError
from ragops.index.manifest import MANIFEST, Damaged, Manifest, differing, parse_manifest
from ragops.index.pointer import POINTER_COPY, POINTER_FILE, Pointer, no_index, parse_pointer
from ragops.platform.volumes.errors import NotThere, VolumeError
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.open import volume_files

_NAME = re.compile(r"\d{6,}-[0-9a-f]{8}")
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

    @property
    def remote(self) -> bool:
        """Whether reading is a request, which takes its time and may fail while others succeed."""
        return self._files.remote

    def find_pointer(self) -> Pointer | None:
        """The pointer, or None before the first publish."""
        path = self.root / POINTER_FILE
        try:
            content = self._files.read(path)
        except NotThere:
            return None
        try:
            return parse_pointer(content, path)
        except Damaged as damaged:
            with suppress(
                Damaged, NotThere
            ):  # its writer was stopped, or is at it, where files do not appear as a whole
                return parse_pointer(self._files.read(self.root / POINTER_COPY), path)
            raise damaged

    def pointer(self) -> Pointer:
        """The pointer; an error before the first publish."""
        pointer = self.find_pointer()
        if pointer is None:
            raise no_index(self.root)
        return pointer

    def write_pointer(self, pointer: Pointer) -> None:
        """Makes a generation the live one, for readers from here on."""
        content = pointer.model_dump_json(indent=2).encode()
        self._files.write(self.root / POINTER_COPY, content)
        self._files.write(self.root / POINTER_FILE, content)

    def repair_pointer(self, recorded: str | None) -> None:
        """Writes the pointer again if it is half there, or is not what was `recorded`; for who holds the lock."""
        wanted = self._recorded(recorded)
        with suppress(Damaged):  # the next pointer is written over it
            wanted = wanted or self.find_pointer()
        if wanted and self._written_pointer() != wanted:
            self.write_pointer(wanted)

    def _written_pointer(self) -> Pointer | None:
        with suppress(Damaged, NotThere):
            return parse_pointer(self._files.read(self.root / POINTER_FILE), self.root)
        return None

    def _recorded(self, recorded: str | None) -> Pointer | None:
        """None also where its generation is gone: somebody has removed the index."""
        pointer = Pointer.model_validate_json(recorded) if recorded else None
        return pointer if pointer and pointer.generation in self.names() else None

    def folder(self, generation: str) -> Path:
        """Where a generation lies."""
        return self.root / "generations" / generation

    def names(self) -> list[str]:
        """Finished generations, oldest first. A folder with the manifest of another one is none."""
        return [name for name, manifest in self._folders() if manifest and manifest.name == name]

    def next_number(self) -> int:
        """One more than any number in use, by what is unfinished too."""
        numbers = [int(name.split("-")[0]) for name, _ in self._folders() if _NAME.fullmatch(name)]
        return max(numbers, default=0) + 1

    def manifest(self, generation: str) -> Manifest:
        """A generation's manifest."""
        manifest = parse_manifest(self.manifest_bytes(generation), self.folder(generation))
        if manifest.name != generation:
            raise UserError(
                f"{self.folder(generation)} holds the manifest of {manifest.name}: remove that folder, which is a copy"
            )
        return manifest

    def manifest_bytes(self, generation: str) -> bytes:
        """A generation's manifest as it lies there."""
        try:
            return self._files.read(self.folder(generation) / MANIFEST)
        except NotThere as error:
            raise UserError(f"index generation {self.folder(generation)}: there is none; {_REFRESH}") from error

    def live_manifest(self) -> Manifest | None:
        """The live generation's manifest; None where there is none or it is damaged: a publish then starts afresh."""
        with suppress(Damaged):
            pointer = self.find_pointer()
            manifest = self._find_manifest(pointer.generation) if pointer else None
            return manifest if manifest and pointer and manifest.name == pointer.generation else None
        return None

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
        with suppress(NotThere):
            return {path.relative_to(folder).as_posix() for path, one in self._files.walk(folder) if not one.is_folder}
        return set()

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

    def remove_unfinished(self, age: timedelta) -> None:
        """Removes what was begun or removed in part, if nobody has written to it for `age`; for who holds the lock."""
        for name, manifest in self._folders():
            # Earlier versions built under a hidden name.
            if (manifest is None or name.startswith(".")) and self._untouched_for(name, age):
                with suppress(VolumeError):  # the next publish tries again
                    self._files.remove_folder(self.folder(name))

    def _untouched_for(self, name: str, age: timedelta) -> bool:
        times = [entry.modified for _, entry in self._files.walk(self.folder(name)) if not entry.is_folder]
        return not age or all(datetime.now(UTC) - time > age for time in times)

    def _folders(self) -> list[tuple[str, Manifest | None]]:
        """Folders beside the generations, sorted, each with its manifest; None where it is missing or half there."""
        try:
            entries = self._files.list(self.root / "generations")
        except NotThere:
            return []
        return [(entry.name, self._find_manifest(entry.name)) for entry in entries if entry.is_folder]

    def _find_manifest(self, name: str) -> Manifest | None:
        try:
            content = self._files.read(self.folder(name) / MANIFEST)
        except NotThere:
            return None
        with suppress(Damaged):
            return parse_manifest(content, self.folder(name))
        return None
