"""The interface of vector stores, kept small so that one contract test suite covers all of them.

A store contains each distinct embedded text once, whatever number of passages have it: thousands of equal vectors break
an HNSW graph, so that no other text is found any more.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol, TypeVar

import numpy as np

from ragops.corpus.index.access import Groups, Reader
from ragops.corpus.index.passages import Entry, TextVector, Vector

T = TypeVar("T")

Fetch = Callable[[Sequence[str]], Iterator[list[Entry]]]
"""Returns the entries with the given ids, in batches and any order, so that not all vectors are in memory at once."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A text found; dense scores are cosines in [-1, 1], lexical ones BM25, above 0 and without an upper bound."""

    text_hash: str
    score: float


class Store(Protocol):
    """Vectors of distinct texts by their hash. Unknown hashes are ignored; one twice in a call raises ValueError."""

    def count(self) -> int:
        """The number of texts."""
        ...

    def texts(self) -> dict[str, Groups]:
        """All texts, by hash, with their groups."""
        ...

    def get(self, texts: Sequence[str]) -> list[TextVector]:
        """The texts with these hashes and their vectors (of any length), in this order; unknown ones are skipped."""
        ...

    def upsert(self, texts: Sequence[TextVector]) -> None:
        """Writes texts, replacing earlier ones."""
        ...

    def delete(self, texts: Sequence[str]) -> None:
        """Removes texts; unknown ones are ignored."""
        ...

    def query(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        """The k nearest texts by cosine that the reader may see, best first."""
        ...

    def close(self) -> None:
        """Closes files and connections."""
        ...


_TEXTS_A_MOVE = 2000


def regroup(store: Store, groups: Mapping[str, Groups]) -> None:
    """Gives texts other groups; their vectors stay the same."""
    for texts in batched(sorted(groups), _TEXTS_A_MOVE):
        store.upsert([replace(one, groups=groups[one.text_hash]) for one in store.get(texts)])


def check_batch(texts: Sequence[TextVector]) -> None:
    """Checks a batch before it is written. Raises ValueError for a text twice, or a zero or non-finite vector."""
    seen: set[str] = set()
    for text in texts:
        if text.text_hash in seen:
            raise ValueError(f"text {text.text_hash} twice in one batch")
        seen.add(text.text_hash)
        norm = float(np.linalg.norm(text.vector))
        if not np.isfinite(norm) or norm == 0.0:
            raise ValueError(f"vector of text {text.text_hash} is zero or not finite")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one shorter."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
