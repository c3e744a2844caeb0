"""The interface of vector stores, kept small so that one contract test suite covers all of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

import numpy as np

from ragops.corpus.index.access import Reader
from ragops.corpus.index.passages import Entry, Passage, Vector

T = TypeVar("T")

Fetch = Callable[[Sequence[str]], Iterator[list[Entry]]]
"""Returns the entries with the given ids, in batches and any order, so that not all vectors are in memory at once."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One result; dense scores are cosines in [-1, 1], lexical ones BM25, above 0 and without an upper bound."""

    chunk_id: str
    score: float


class Store(Protocol):
    """Rows with vectors by id. Unknown ids are ignored; a duplicate id in one call raises ValueError."""

    def count(self) -> int:
        """The number of rows."""
        ...

    def ids(self) -> set[str]:
        """The ids of all rows; cheap compared to `scan`."""
        ...

    def scan(self) -> Iterator[list[Passage]]:
        """All rows without their vectors, in pages."""
        ...

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """The rows with these ids and their vectors (of any length), in the order of `ids`; unknown ids are skipped."""
        ...

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The rows with these ids without vectors, in the order of `ids`; unknown ids are skipped."""
        ...

    def upsert(self, entries: Sequence[Entry]) -> None:
        """Writes whole rows, replacing earlier ones completely (no old field survives)."""
        ...

    def update(self, entries: Sequence[Entry]) -> None:
        """Replaces everything except the vector of existing rows."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Removes rows; unknown ids are ignored."""
        ...

    def query(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        """The k nearest rows by cosine that the reader may see, best first."""
        ...

    def neighbors(self, passage: Passage, ordinals: Collection[int]) -> list[Passage]:
        """Rows of the passage's document and groups with these ordinals, in the document's order."""
        ...

    def close(self) -> None:
        """Closes files and connections."""
        ...


def check_batch(entries: Sequence[Entry]) -> None:
    """Checks a batch before it is written. Raises ValueError for a duplicate id or a zero or non-finite vector."""
    seen: set[str] = set()
    for entry in entries:
        if entry.chunk_id in seen:
            raise ValueError(f"chunk id {entry.chunk_id} twice in one batch")
        seen.add(entry.chunk_id)
        norm = float(np.linalg.norm(entry.vector))
        if not np.isfinite(norm) or norm == 0.0:
            raise ValueError(f"vector of chunk {entry.chunk_id} is zero or not finite")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one shorter."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def row_hashes(store: Store) -> dict[str, str]:
    """Id -> row hash, computed from the store's rows (about 80 microseconds a row in embedded Chroma)."""
    return {passage.chunk_id: passage.row_hash for page in store.scan() for passage in page}
