"""The small file that names the live generation, and a copy of it.

Where files are not replaced atomically, as in a laptop's folders, an interrupted writer damages at most one of the two,
since the valid one is written last.
"""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ragops.corpus.index.generations.manifest import Damaged, Manifest
from ragops.errors import UserError
from ragops.platform.volumes.errors import PathNotFound, VolumeError
from ragops.platform.volumes.interface import VolumeFiles

POINTER_FILE = "pointer.json"
POINTER_COPY = "pointer.copy.json"


class Pointer(BaseModel):
    """The live generation's name and model fingerprint; `previous` is the generation it replaced."""

    model_config = ConfigDict(frozen=True)

    generation: str = Field(pattern=r"^\d{6,}-[0-9a-f]{8}$")
    fingerprint: str
    previous: str | None = None
    published_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def to(cls, manifest: Manifest, previous: Manifest | None) -> "Pointer":
        """A pointer to one generation, with the one that was live before."""
        before = previous.name if previous else None
        return cls(generation=manifest.name, fingerprint=manifest.model.fingerprint, previous=before)


class PointerFile:
    """The pointer of an index on its volume. All methods raise VolumeError if a file cannot be read or written."""

    def __init__(self, root: Path, files: VolumeFiles) -> None:
        self._root, self._files = root, files

    def find(self) -> Pointer | None:
        """The pointer, or None before the first publish. Raises Damaged if it and its copy are damaged."""
        content = self._content()
        if content is None:
            return None
        try:
            return parse_pointer(content, self._root / POINTER_FILE)
        except Damaged as damaged:
            if copy := self._read(POINTER_COPY):
                return copy
            raise damaged

    def write(self, pointer: Pointer) -> None:
        """Overwrites the pointer."""
        content = pointer.model_dump_json(indent=2).encode()
        order = [POINTER_COPY, POINTER_FILE]
        if self._read(POINTER_FILE) is None and self._read(POINTER_COPY) is not None:
            order.reverse()  # the copy is the valid one
        for name in order:
            self._files.write(self._root / name, content)

    def repair(self, wanted: Pointer | None) -> None:
        """Writes the pointer again if it is damaged or differs from `wanted`. The caller must hold the lock."""
        with suppress(Damaged):  # the next pointer replaces it
            wanted = wanted or self.find()
        if wanted and self._read(POINTER_FILE) != wanted:
            self.write(wanted)

    def _content(self) -> bytes | None:
        """The pointer's bytes; None only if the folder does not list it either, since reading may fail briefly."""
        path = self._root / POINTER_FILE
        try:
            return self._files.read(path)
        except PathNotFound:
            with suppress(PathNotFound):
                if any(one.name == POINTER_FILE for one in self._files.list(self._root)):
                    raise VolumeError(f"{path}: is listed but cannot be read; try again later") from None
            return None

    def _read(self, name: str) -> Pointer | None:
        """One of the two files; None if it is missing or damaged."""
        with suppress(Damaged, PathNotFound):
            return parse_pointer(self._files.read(self._root / name), self._root / name)
        return None


def parse_pointer(content: bytes, path: Path) -> Pointer:
    """Parses a pointer. Raises Damaged if the content is not one."""
    try:
        return Pointer.model_validate_json(content)
    except ValidationError as error:
        raise Damaged(
            f"{path} is not a readable pointer ({'damaged' if content else 'empty'}); run `ragops index rollback` to a "
            "generation listed by `ragops index list`, or the refresh job"
        ) from error


def no_index(index_root: Path) -> UserError:
    """The error for an index without a pointer."""
    return UserError(f"no index at {index_root}; run the refresh job first, or name the schema it was published to")
