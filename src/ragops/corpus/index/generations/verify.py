"""Compares an index with the rows it should contain: passages, texts, vectors, and whether they can be found."""

import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.manifest import Manifest
from ragops.corpus.index.passages import Entry, TextVector, text_key
from ragops.corpus.index.stores.interface import Fetch

SAMPLED_TEXTS = 64
"""Distinct texts whose vectors are compared, and searched for."""

CHANGED_FILES = "files changed after publishing"
"""How a problem of a report begins, after a number, if the generation's files are not those that were published."""
WORDS_DIFFER = "texts that are in the word index or in passages only"
"""The same if the word index and the passages have different texts."""
NOT_FOUND = "texts not found by their own vector"
"""The same if the graph of the vectors is damaged."""

_PRINTED_IDS = 5
# Chroma keeps cosine vectors as given or scaled, both in float32: rounding alone costs less than 1e-6.
_SAME_VECTOR_COSINE = 0.9999
# HNSW is approximate and may miss a row; a graph damaged by concurrent writers loses a fifth of them or more.
_LOST_FRACTION = 0.05


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Differences as sorted ids of passages: missing, not wanted (stale), with other content, with another vector.

    `rows`: passages in the index; `vectors_checked`: distinct texts whose vectors were compared.
    """

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
        checked = f"{self.rows} rows match, {self.vectors_checked} texts searched by their vector"
        return f"index generation {self.generation}: {checked}"

    def as_dict(self) -> dict[str, Any]:
        """All fields with complete ids, for JSON output."""
        return {name: getattr(self, name) for name in self.__slots__} | {"ok": self.ok}


def outdated_report(manifest: Manifest) -> VerifyReport:
    """The report on a generation that this version of ragops cannot search."""
    return problem_report(manifest, f"{manifest.outdated}; the refresh job rebuilds it")


def problem_report(manifest: Manifest, problem: str) -> VerifyReport:
    """The report on a generation that could not be opened, because of this problem."""
    return VerifyReport(manifest.name, manifest.count, (), (), (), (), 0, (problem,))


def verify_generation(
    generation: Generation,
    wanted: Mapping[str, str],
    sample: Iterable[Entry],
    fingerprint: str,
    changed_files: Collection[str] = (),
    terms: str | None = None,
) -> VerifyReport:
    """Compares an opened generation with what it should contain.

    Args:
        generation: the opened generation.
        wanted: id -> row hash of all passages.
        sample: passages of different texts, with the vectors that these should have.
        fingerprint: of the embedding model.
        changed_files: files whose bytes differ from the manifest's record.
        terms: of the word index, as `terms_version` names them; None for any.
    """
    report = compare(generation, generation.table.row_hashes(), wanted, sample, fingerprint)
    problems = list(report.problems)
    if changed_files:
        problems.append(_named(CHANGED_FILES, changed_files))
    if terms is not None and generation.manifest.terms != terms:
        problems.append(f"words are stemmed in {_languages(generation.manifest.terms)}, wanted {_languages(terms)}")
    return replace(report, problems=tuple(problems))


def compare(
    generation: Generation,
    rows: Mapping[str, str],
    wanted: Mapping[str, str],
    sample: Iterable[Entry],
    fingerprint: str,
) -> VerifyReport:
    """As `verify_generation`, with the row hashes of the generation's passages."""
    expected = list(sample)
    stored = {text.text_hash: text for text in generation.store.get([entry.text_hash for entry in expected])}
    compared = [(entry, stored[entry.text_hash]) for entry in expected if entry.text_hash in stored]
    return VerifyReport(
        generation=generation.manifest.name,
        rows=len(rows),
        missing=tuple(sorted(wanted.keys() - rows.keys())),
        stale=tuple(sorted(rows.keys() - wanted.keys())),
        different=tuple(sorted(i for i in rows.keys() & wanted.keys() if rows[i] != wanted[i])),
        wrong_vectors=tuple(sorted(entry.chunk_id for entry, text in compared if not _same_direction(entry, text))),
        vectors_checked=len(stored),
        problems=tuple(_problems(generation, rows, expected, fingerprint)),
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
    """Ids of passages of up to `size` different texts, always the same for the same seed.

    A text is as likely in it as any other, however many passages have it: in an index of 5,000 equal passages that hid
    100 others, a sample of passages contained none of these.
    """
    of_text = {text_key(rows[chunk_id]): chunk_id for chunk_id in sorted(rows)}
    texts = sorted(of_text)
    return [of_text[text] for text in random.Random(seed).sample(texts, min(size, len(texts)))]


def _problems(
    generation: Generation, rows: Mapping[str, str], sample: Sequence[Entry], fingerprint: str
) -> Iterator[str]:
    manifest = generation.manifest
    if manifest.model.fingerprint != fingerprint:
        yield f"built with model {manifest.model.fingerprint}, wanted {fingerprint}"
    if manifest.count != len(rows):
        yield f"the manifest counts {manifest.count} rows, the index contains {len(rows)}"
    shapes = {entry.vector.shape for entry in sample} - {(manifest.model.dimension,)}
    if shapes:
        yield f"vectors of shape {sorted(shapes)}, the manifest says dimension {manifest.model.dimension}"
        return
    yield from _text_problems(generation)
    searched = _searched(generation, sample)
    lost = [text.text_hash for text in searched if not _found(generation, text)]
    if len(lost) > _LOST_FRACTION * len(searched):
        yield _named(NOT_FOUND, lost)


def _searched(generation: Generation, sample: Sequence[Entry]) -> list[TextVector]:
    """The sampled texts, and one of each of as many documents.

    5,000 similar rows of one sheet can hide all other documents, and are nearly all of a sample of texts.
    """
    of_documents = sorted(generation.table.text_of_each_document())
    some = random.Random(generation.manifest.source_version).sample(of_documents, min(SAMPLED_TEXTS, len(of_documents)))
    return generation.store.get(sorted({*some, *(entry.text_hash for entry in sample)}))


def _text_problems(generation: Generation) -> Iterator[str]:
    """Where vector store and word index differ from the texts of the passages, or show them to other readers."""
    wanted, stored, words = generation.table.texts(), generation.store.texts(), set(generation.words.ids)
    if missing := wanted.keys() - stored.keys():
        yield _named("texts without a vector", missing)
    if stale := stored.keys() - wanted.keys():
        yield _named("vectors without a passage", stale)
    if differing := words ^ wanted.keys():
        yield _named(WORDS_DIFFER, differing)
    restricted = generation.restrictions.restricted
    in_words = {text for text, groups in wanted.items() if restricted.get(text, ()) != groups}
    in_store = {text for text in wanted.keys() & stored.keys() if stored[text] != wanted[text]}
    if differing := in_words | in_store:
        yield _named("texts that a search shows to other groups than their passages", differing)


def _found(generation: Generation, text: TextVector) -> bool:
    """Whether the graph finds the vector itself, or an equal one."""
    hits = generation.store.query(text.vector, 1, reader=None)
    return bool(hits) and hits[0].score >= _SAME_VECTOR_COSINE


def _same_direction(entry: Entry, text: TextVector) -> bool:
    one, other = entry.vector, text.vector
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return one.shape == other.shape and float(one @ other) >= _SAME_VECTOR_COSINE * lengths


def _languages(terms: str) -> str:
    return ", ".join(terms.split()[1:]) or "no language"


def _named(kind: str, ids: Collection[str]) -> str:
    more = ", ..." if len(ids) > _PRINTED_IDS else ""
    return f"{len(ids)} {kind} ({', '.join(sorted(ids)[:_PRINTED_IDS])}{more})"
