"""What every vector store keeps: a small interface, so that one contract test suite holds for all of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

import numpy as np

from ragops.corpus.index.access import Reader
from ragops.corpus.index.passages import Entry, Passage, Vector

T = TypeVar("T")

Fetch = Callable[[Sequence[str]], Iterator[list[Entry]]]
"""Gives the entries of the ids asked for, in batches and in any order, so that not all vectors are held at once."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: dense scores are cosines in [-1, 1]; lexical scores are BM25, above 0 and without an upper bound."""

    chunk_id: str
    score: float


class Store(Protocol):
    """Rows with vectors under ids. Unknown ids are no error; a duplicate id inside one call is (ValueError)."""

    def count(self) -> int:
        """How many rows there are."""
        ...

    def ids(self) -> set[str]:
        """The ids of all rows; cheap beside `scan`."""
        ...

    def scan(self) -> Iterator[list[Passage]]:
        """All rows without their vectors, in pages."""
        ...

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """The rows of these ids with vectors (cosine store: up to length), in the order asked; unknown left out."""
        ...

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The rows of these ids without vectors, in the order asked; unknown ones left out."""
        ...

    def upsert(self, entries: Sequence[Entry]) -> None:
        """Writes whole rows, replacing what an id held before (no old field survives)."""
        ...

    def update(self, entries: Sequence[Entry]) -> None:
        """Replaces everything but the vector of rows that are there."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Removes rows; ids that are not there are passed over."""
        ...

    def query(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        """The k rows nearest by cosine that the reader may see, best first; fewer if there are fewer."""
        ...

    def neighbors(self, passage: Passage, ordinals: Collection[int]) -> list[Passage]:
        """Rows of the passage's document and groups at these places in it, in the document's order."""
        ...

    def close(self) -> None:
        """Lets go of files and connections."""
        ...


def check_batch(entries: Sequence[Entry]) -> None:
    """Refuses a batch before any of it is written: ValueError for a duplicate id or a zero or non-finite vector."""
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
    """Id to row hash, computed from what the store really holds (about 80 microseconds a row on embedded Chroma)."""
    return {passage.chunk_id: passage.row_hash for page in store.scan() for passage in page}
