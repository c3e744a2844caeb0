"""The one file that says which generation is live; replaced atomically, so a reader sees the old or the new."""

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ragops.errors import UserError
from ragops.index.manifest import Manifest

POINTER_FILE = "pointer.json"


class Pointer(BaseModel):
    """The live generation's name and model fingerprint; `previous` is what it took the place of."""

    model_config = ConfigDict(frozen=True)

    generation: str = Field(pattern=r"^\d{6,}-[0-9a-f]{8}$")
    fingerprint: str
    previous: str | None = None
    published_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def to(cls, manifest: Manifest, previous: Manifest | None) -> "Pointer":
        """A pointer to one generation, remembering the one that was live before."""
        before = previous.name if previous else None
        return cls(generation=manifest.name, fingerprint=manifest.model.fingerprint, previous=before)


def find_pointer(index_root: Path) -> Pointer | None:
    """The pointer, or None before the first publish. Raises UserError when the file is broken."""
    path = index_root / POINTER_FILE
    try:
        return parse_pointer(path.read_bytes(), path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def parse_pointer(content: bytes, path: Path) -> Pointer:
    """The pointer in a file's content. Raises UserError when it is broken."""
    try:
        return Pointer.model_validate_json(content)
    except ValidationError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(
        f"{path} is not a readable pointer ({type(error).__name__}): run `ragops index rollback` to a generation "
        "listed by `ragops index list`, or the refresh job"
    )


def read_pointer(index_root: Path) -> Pointer:
    """The pointer. Raises UserError when there is none or it is broken."""
    pointer = find_pointer(index_root)
    if pointer is None:
        raise no_index(index_root)
    return pointer


def no_index(index_root: Path) -> UserError:
    """What to say where there is no pointer."""
    return UserError(f"no index at {index_root}: run the refresh job first, or give the schema it was published to")


def write_pointer(index_root: Path, pointer: Pointer) -> None:
    """Replaces the pointer in one step, on disk before anybody sees it."""
    temporary = index_root / f".{POINTER_FILE}.{uuid.uuid4().hex}"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(pointer.model_dump_json(indent=2))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, index_root / POINTER_FILE)


def remove_half_written(index_root: Path) -> None:
    """Removes what a killed `write_pointer` left; only under the publish lock."""
    for temporary in index_root.glob(f".{POINTER_FILE}.*"):
        temporary.unlink(missing_ok=True)
