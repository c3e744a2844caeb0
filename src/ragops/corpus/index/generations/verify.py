"""Compares an index with the rows it should contain: ids, content, vectors, and the two searches with each other."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.passages import Entry
from ragops.corpus.index.stores.interface import Fetch, row_hashes

_PRINTED_IDS = 5
# Chroma keeps cosine vectors as given or scaled, both in float32: rounding alone costs less than 1e-6.
_SAME_VECTOR_COSINE = 0.9999
# HNSW is approximate and may miss a row; a graph damaged by concurrent writers loses a fifth of them or more.
_LOST_FRACTION = 0.05


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Differences as sorted ids: missing rows, rows that should not exist (stale), rows with other content."""

    generation: str
    rows: int
    missing: tuple[str, ...]
    stale: tuple[str, ...]
    different: tuple[str, ...]
    wrong_vectors: tuple[str, ...]
    vectors_checked: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the index contains exactly the wanted rows."""
        return not (self.missing or self.stale or self.different or self.wrong_vectors or self.problems)

    def __str__(self) -> str:
        """A one-line summary with the number and first five ids of each kind."""
        named = {
            "missing": self.missing,
            "stale": self.stale,
            "different": self.different,
            "with a wrong vector": self.wrong_vectors,
        }
        faults = [_named(kind, ids) for kind, ids in named.items() if ids] + list(self.problems)
        if faults:
            return f"index generation {self.generation}: " + "; ".join(faults)
        checked = f"{self.rows} rows match, {self.vectors_checked} vectors compared"
        return f"index generation {self.generation}: {checked}"

    def as_dict(self) -> dict[str, Any]:
        """All fields with complete ids, for JSON output."""
        return {name: getattr(self, name) for name in self.__slots__} | {"ok": self.ok}


def verify_generation(
    generation: Generation, wanted: Mapping[str, str], sample: Iterable[Entry], fingerprint: str
) -> VerifyReport:
    """Compares an opened generation with id -> row hash, sample vectors and the model's fingerprint."""
    return compare(generation, row_hashes(generation.store), wanted, sample, fingerprint)


def compare(
    generation: Generation,
    rows: Mapping[str, str],
    wanted: Mapping[str, str],
    sample: Iterable[Entry],
    fingerprint: str,
) -> VerifyReport:
    """As `verify_generation`, with the row hashes already read from the store."""
    expected = list(sample)
    stored = {entry.chunk_id: entry for entry in generation.store.get([entry.chunk_id for entry in expected])}
    wrong = [e.chunk_id for e in expected if e.chunk_id in stored and not _same_direction(e, stored[e.chunk_id])]
    return VerifyReport(
        generation=generation.manifest.name,
        rows=len(rows),
        missing=tuple(sorted(wanted.keys() - rows.keys())),
        stale=tuple(sorted(rows.keys() - wanted.keys())),
        different=tuple(sorted(i for i in rows.keys() & wanted.keys() if rows[i] != wanted[i])),
        wrong_vectors=tuple(sorted(wrong)),
        vectors_checked=len(stored),
        problems=(*_problems(generation, rows, expected, fingerprint), *_readers(generation, stored.values())),
    )


class Sample:
    """Entries to compare vectors with, kept from a publish's own fetches, since an extra query costs a second."""

    def __init__(self, fetch: Fetch, ids: Sequence[str]) -> None:
        """`fetch`: the source's; `ids`: the ids to keep."""
        self._fetch, self._ids = fetch, frozenset(ids)
        self._kept: dict[str, Entry] = {}

    def fetch(self, ids: Sequence[str]) -> Iterator[list[Entry]]:
        """Entries with these ids; the first call also fetches the sample."""
        wanted = set(ids)
        missing = [chunk_id for chunk_id in self._ids if chunk_id not in wanted and chunk_id not in self._kept]
        for entries in self._fetch([*ids, *missing]):
            self._kept |= {entry.chunk_id: entry for entry in entries if entry.chunk_id in self._ids}
            yield [entry for entry in entries if entry.chunk_id in wanted]

    def entries(self) -> list[Entry]:
        """The sample."""
        if self._ids and not self._kept:  # nothing was fetched, since rows were only removed
            list(self.fetch(()))
        return list(self._kept.values())


def sample_ids(rows: Mapping[str, str], size: int, seed: str) -> list[str]:
    """Up to `size` ids, always the same for the same seed."""
    ids = sorted(rows)
    return random.Random(seed).sample(ids, min(size, len(ids)))


def _problems(
    generation: Generation, rows: Mapping[str, str], sample: Sequence[Entry], fingerprint: str
) -> Iterator[str]:
    manifest = generation.manifest
    if manifest.model.fingerprint != fingerprint:
        yield f"built with model {manifest.model.fingerprint}, wanted {fingerprint}"
    if manifest.count != len(rows):
        yield f"the manifest counts {manifest.count} rows, the store contains {len(rows)}"
    shapes = {entry.vector.shape for entry in sample} - {(manifest.model.dimension,)}
    if shapes:
        yield f"vectors of shape {sorted(shapes)}, the manifest says dimension {manifest.model.dimension}"
        return
    words = set(generation.words.ids)
    if words != rows.keys():
        yield _named("found by one of dense and lexical search only", sorted(words ^ rows.keys()))
    sampled = [entry for entry in sample if entry.chunk_id in rows]
    lost = sorted(entry.chunk_id for entry in sampled if not _found(generation, entry))
    if len(lost) > _LOST_FRACTION * len(sampled):
        yield _named("not found by their own vector", lost)


def _readers(generation: Generation, stored: Iterable[Entry]) -> Iterator[str]:
    """Problems where dense and lexical search show a passage to different readers."""
    restricted = generation.restrictions.restricted
    if differing := sorted(e.chunk_id for e in stored if restricted.get(e.chunk_id, ()) != e.groups):
        yield _named("for other groups in dense search than in lexical search", differing)


def _found(generation: Generation, entry: Entry) -> bool:
    """Whether the graph finds the vector itself, or an equal one (the same text in another document)."""
    hits = generation.store.query(entry.vector, 1, reader=None)
    return bool(hits) and hits[0].score >= _SAME_VECTOR_COSINE


def _same_direction(one: Entry, other: Entry) -> bool:
    lengths = float(np.linalg.norm(one.vector) * np.linalg.norm(other.vector))
    return one.vector.shape == other.vector.shape and float(one.vector @ other.vector) >= _SAME_VECTOR_COSINE * lengths


def _named(kind: str, ids: Iterable[str]) -> str:
    listed = list(ids)
    more = ", ..." if len(listed) > _PRINTED_IDS else ""
    return f"{len(listed)} {kind} ({', '.join(listed[:_PRINTED_IDS])}{more})"
