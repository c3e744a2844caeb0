"""The one small file that says which generation is live, overwritten whole."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ragops.errors import UserError
from ragops.index.manifest import Damaged, Manifest

POINTER_FILE = "pointer.json"
POINTER_COPY = "pointer.copy.json"


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


def parse_pointer(content: bytes, path: Path) -> Pointer:
    """The pointer in a file's content. Raises Damaged when it is broken."""
    try:
        return Pointer.model_validate_json(content)
    except ValidationError as error:
        raise Damaged(
            f"{path} is not a readable pointer ({'broken' if content else 'empty'}): run `ragops index rollback` to a "
            "generation listed by `ragops index list`, or the refresh job"
        ) from error


def no_index(index_root: Path) -> UserError:
    """What to say where there is no pointer."""
    return UserError(f"no index at {index_root}: run the refresh job first, or give the schema it was published to")
