"""A generation's description of itself: its manifest, its recorded rows and its files' digests."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ragops.corpus.index.stores.terms_version import TERMS_VERSION
from ragops.errors import UserError

CHROMA = "chroma"
BM25 = "bm25"
PASSAGE_FILE = "passages.sqlite"
MANIFEST = "manifest.json"
_ROWS = "rows.json"


FORMAT = 2
"""The layout of a generation. In layout 1 each passage was a point of the vector store."""


class Damaged(UserError):
    """A pointer or manifest exists and is not valid."""


class IndexedModel(BaseModel):
    """The embedding model of the vectors: identified by `fingerprint` (hex); `spec` is a description for people."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str = Field(pattern=r"^[0-9a-f]{8,}$")
    name: str
    dimension: int = Field(gt=0)
    spec: dict[str, Any] = Field(default_factory=dict)


class Manifest(BaseModel):
    """A generation's description, its last written file. `files`: SHA-256 of every other file."""

    model_config = ConfigDict(frozen=True)

    number: int
    model: IndexedModel
    count: int
    source_version: str
    parent: str | None
    access: str = ""  # digest of the access rules it was built with; "" without rules
    group_sets: int = 0  # number of group sets that restrict texts; 0: everybody sees all
    rewrites: int = 0  # texts deleted or moved since the last build from scratch: dead nodes in the HNSW graph
    format: int = 1
    terms: str = TERMS_VERSION  # of the word index, with its languages
    built_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    versions: dict[str, str] = Field(default_factory=lambda: {n: version(n) for n in ("ragops", "chromadb", "bm25s")})
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """The generation's directory name."""
        return f"{self.number:06d}-{self.model.fingerprint[:8]}"

    @property
    def outdated(self) -> str:
        """Why this version of the library cannot search it, after the generation's name; "" if it can."""
        difference = ""
        if self.terms.split()[0] != TERMS_VERSION:
            difference = "with other terms in its word index"
        if self.format != FORMAT:
            difference = "in another layout"
        if self.format < 2:
            difference = "with a vector for each passage instead of each text, so that equal passages hide others"
        return difference and f"was built by another version of ragops, {difference}"

    def check_format(self) -> None:
        """Raises UserError if the generation is outdated."""
        if self.outdated:
            raise UserError(f"index generation {self.name} {self.outdated}; run the refresh job, which rebuilds it")


def read_manifest(generation: Path) -> Manifest:
    """Reads the manifest in a local folder. Raises UserError if it is missing or not readable."""
    try:
        return parse_manifest((generation / MANIFEST).read_bytes(), generation)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UserError(f"index generation {generation} cannot be read ({reason}); run the refresh job") from error


def parse_manifest(content: bytes, generation: Path) -> Manifest:
    """Parses a manifest. Raises Damaged if the content is not one."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise Damaged(f"{generation / MANIFEST} is not a manifest; run the refresh job to publish again") from error


def write_manifest(generation: Path, manifest: Manifest) -> None:
    """Writes the manifest into the generation's directory."""
    (generation / MANIFEST).write_text(manifest.model_dump_json(indent=2), "utf-8")


def write_rows(generation: Path, rows: Mapping[str, str]) -> None:
    """Records id -> row hash of the verified rows, sorted by id."""
    (generation / _ROWS).write_text(json.dumps(dict(sorted(rows.items())), indent=0), "utf-8")


def read_rows(generation: Path) -> dict[str, str]:
    """The recorded id -> row hash: valid as long as no file has changed, and much faster than a scan."""
    rows: dict[str, str] = json.loads((generation / _ROWS).read_text("utf-8"))
    return rows


def file_digests(generation: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of each file except the manifest."""
    files = [path for path in sorted(generation.rglob("*")) if path.is_file() and path.name != MANIFEST]
    return {path.relative_to(generation).as_posix(): _sha256(path) for path in files}


def differing(found: Mapping[str, str], recorded: Mapping[str, str]) -> set[str]:
    """Files that are missing, new or different, from relative path -> SHA-256 as found and as recorded."""
    return {name for name in found.keys() | recorded.keys() if found.get(name) != recorded.get(name)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
