"""The rows of an index: passages, which a search returns, and the distinct texts that have a vector."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragops.corpus.index.access import Groups, GroupsOf, groups_key

if TYPE_CHECKING:
    import pandas as pd

Vector = NDArray[np.float32]

_FIELD_SEPARATOR = "\x1f"
_LIST_SEPARATOR = "\x1e"

# Computes in SQL what `Passage.row_hash` computes for an unrestricted passage, so that only ids and hashes leave the
# table. `restricted_hash` derives the hash of a restricted passage from it.
ROW_HASH_SQL = (
    "concat(substr(text_hash, 1, 16), substr(sha2(concat_ws('\\u001f', doc_id, path, coalesce(title, ''), "
    "coalesce(cast(page as string), ''), cast(ordinal as string), array_join(heading_path, '\\u001e'), text), 256), "
    "1, 16))"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """One chunk as a search returns it. `page` counts from 1, `ordinal` from 0 within the document.

    Only members of `groups` may see it; everybody if there are none.
    """

    chunk_id: str
    doc_id: str
    text: str
    heading_path: tuple[str, ...]
    title: str
    path: str
    page: int | None
    ordinal: int
    text_hash: str
    groups: Groups = ()

    @property
    def row_hash(self) -> str:
        """32 hex digits: 16 of the embedded text (if they differ, so does the vector), 16 of all displayed fields."""
        fields = (
            self.doc_id,
            self.path,
            self.title,
            "" if self.page is None else str(self.page),
            str(self.ordinal),
            _LIST_SEPARATOR.join(self.heading_path),
            self.text,
        )
        shown = hashlib.sha256(_FIELD_SEPARATOR.join(fields).encode()).hexdigest()
        return restricted_hash(self.text_hash[:16] + shown[:16], self.groups)


_COLUMNS = tuple(name for name in Passage.__dataclass_fields__ if name != "groups")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Passage):
    """A passage and its vector: float32, shape (dimension,), not zero, finite; any length (scores are cosines)."""

    vector: Vector = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TextVector:
    """A distinct embedded text in a vector store. Passages refer to it by the hash of the text.

    Attributes:
        text_hash: SHA-256 of the text in hex.
        groups: members of these may see at least one passage with this text; everybody if there are none.
        vector: float32, shape (dimension,), not zero, finite; any length (scores are cosines).
    """

    text_hash: str
    groups: Groups
    vector: Vector = field(compare=False, repr=False)


def text_key(row_hash: str) -> str:
    """The part of a row hash that passages with the same embedded text have in common."""
    return row_hash[:16]


def rewritten(row_hash: str, other: str) -> bool:
    """Whether two row hashes of one id differ in the embedded text, and so in the vector."""
    return text_key(row_hash) != text_key(other)


def restricted_hash(row_hash: str, groups: Groups) -> str:
    """The row hash of the same passage restricted to these groups; the vector's half stays the same."""
    if not groups:
        return row_hash
    return text_key(row_hash) + hashlib.sha256(f"{row_hash[16:]}{groups_key(groups)}".encode()).hexdigest()[:16]


def entries_from_frame(frame: pd.DataFrame, groups_of: GroupsOf) -> list[Entry]:
    """Entries from rows of the `embeddings` view (columns named like Passage's fields, plus `embedding`)."""
    columns = [frame[name] for name in (*_COLUMNS, "embedding")]
    return [_entry(values[:-1], values[-1], groups_of) for values in zip(*columns, strict=True)]


def _entry(values: tuple[Any, ...], embedding: ArrayLike, groups_of: GroupsOf) -> Entry:
    import pandas as pd  # a search need not import it

    row: dict[str, Any] = dict(zip(_COLUMNS, values, strict=True))
    heading_path = row["heading_path"]
    row["heading_path"] = () if heading_path is None else tuple(str(part) for part in heading_path)
    row["page"] = None if pd.isna(row["page"]) else int(row["page"])  # pandas converts columns with NULLs to float
    row["ordinal"] = int(row["ordinal"])
    row["title"] = row["title"] if isinstance(row["title"], str) else ""
    return Entry(**row, groups=groups_of(row["path"]), vector=np.asarray(embedding, dtype=np.float32))
