import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from ragops.corpus.index.access import Reader, Restrictions
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.manifest import IndexedModel, Manifest
from ragops.corpus.index.generations.verify import Sample, VerifyReport, compare, sample_ids
from ragops.corpus.index.passages import Entry, Vector
from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.corpus.index.stores.interface import Hit

_FINGERPRINT = "ab" * 32


class LossyStore:
    """A store of these entries whose graph has lost some of them."""

    def __init__(self, entries: Sequence[Entry], lost: Sequence[str] = ()) -> None:
        self.entries, self.lost = {entry.chunk_id: entry for entry in entries}, lost

    def get(self, ids: Sequence[str]) -> list[Entry]:
        return [self.entries[chunk_id] for chunk_id in ids if chunk_id in self.entries]

    def query(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        assert reader is None, "verification must see all rows"
        found = [e for e in self.entries.values() if e.chunk_id not in self.lost]
        cosines = {
            e.chunk_id: float(e.vector @ vector / np.linalg.norm(e.vector) / np.linalg.norm(vector)) for e in found
        }
        return [Hit(i, cosines[i]) for i in sorted(cosines, key=lambda i: -cosines[i])][:k]


@pytest.fixture
def rows(make_entry: Callable[..., Entry]) -> list[Entry]:
    angles = np.linspace(0, 3, 20)
    return [
        make_entry(f"c{n:02d}", ordinal=n, vector=np.array([np.cos(a), np.sin(a)], dtype=np.float32))
        for n, a in enumerate(angles)
    ]


def _verify(
    stored: Sequence[Entry],
    wanted: Sequence[Entry],
    lost: Sequence[str] = (),
    fingerprint: str = _FINGERPRINT,
    restricted: Mapping[str, tuple[str, ...]] | None = None,
) -> VerifyReport:
    model = IndexedModel(fingerprint=_FINGERPRINT, name="m", dimension=2)
    manifest = Manifest(number=1, model=model, count=len(wanted), source_version="x", parent=None)
    words = LexicalIndex.build([e.chunk_id for e in wanted], [e.text for e in wanted])
    generation = Generation(manifest, LossyStore(stored, lost), words, Restrictions(words.ids, restricted or {}))
    hashes = [{e.chunk_id: e.row_hash for e in entries} for entries in (stored, wanted)]
    return compare(generation, hashes[0], hashes[1], wanted, fingerprint)


def test_a_complete_generation_is_ok(rows: list[Entry]) -> None:
    report = _verify(rows, rows)
    assert report.ok
    assert str(report) == "index generation 000001-abababab: 20 rows match, 20 vectors compared"


def test_different_groups_in_dense_and_lexical_search_are_reported(rows: list[Entry]) -> None:
    closed = [replace(rows[0], groups=("hr",)), *rows[1:]]
    assert _verify(closed, closed, restricted={"c00": ("hr",)}).ok
    report = _verify(closed, closed)
    assert "1 for other groups in dense search than in lexical search (c00)" in str(report)


def test_at_most_five_missing_rows_are_named(rows: list[Entry]) -> None:
    report = _verify(rows[7:], rows)
    assert report.missing == tuple(f"c{n:02d}" for n in range(7))
    assert "7 missing (c00, c01, c02, c03, c04, ...)" in str(report)
    assert "the manifest counts 20 rows, the store contains 13" in report.problems
    assert json.loads(json.dumps(report.as_dict()))["missing"] == list(report.missing)


def test_stale_and_different_rows_are_reported(rows: list[Entry], make_entry: Callable[..., Entry]) -> None:
    report = _verify([*rows[:19], make_entry("c19"), make_entry("x")], rows)
    assert (report.stale, report.different, report.missing) == (("x",), ("c19",), ())
    assert not report.ok


def test_a_wrong_vector_is_reported(rows: list[Entry], make_entry: Callable[..., Entry]) -> None:
    turned = make_entry("c00", ordinal=0, vector=np.array([0.9, 0.1], dtype=np.float32))
    longer = make_entry("c01", ordinal=1, vector=rows[1].vector * 3)
    assert _verify([turned, longer, *rows[2:]], rows).wrong_vectors == ("c00",)


def test_a_graph_that_lost_rows_is_reported(rows: list[Entry]) -> None:
    assert _verify(rows, rows, lost=["c03"]).ok  # HNSW is approximate
    assert "2 not found by their own vector (c03, c09)" in str(_verify(rows, rows, lost=["c03", "c09"]))


def test_another_model_is_reported(rows: list[Entry]) -> None:
    assert "wanted cdcd" in str(_verify(rows, rows, fingerprint="cd" * 32))


def test_vectors_of_another_dimension_are_reported(rows: list[Entry], make_entry: Callable[..., Entry]) -> None:
    wide = [make_entry("c00", vector=np.ones(3, dtype=np.float32))]
    assert "vectors of shape [(3,)], the manifest says dimension 2" in str(_verify(wide, wide))


def test_words_without_vectors_are_reported(rows: list[Entry]) -> None:
    assert "1 found by one of dense and lexical search only (c19)" in str(_verify(rows[:19], rows))


def test_a_sample_is_reproducible_and_limited() -> None:
    rows = {f"c{n}": "" for n in range(100)}
    assert sample_ids(rows, 10, "seed") == sample_ids(dict(reversed(rows.items())), 10, "seed")
    assert sample_ids(rows, 10, "seed") != sample_ids(rows, 10, "other")
    assert len(set(sample_ids(rows, 1000, "seed"))) == 100


def test_a_sample_is_fetched_with_the_first_rows(rows: list[Entry]) -> None:
    fetched: list[list[str]] = []

    def fetch(ids: Sequence[str]) -> Iterator[list[Entry]]:
        fetched.append(list(ids))
        yield [entry for entry in rows if entry.chunk_id in ids]

    sample = Sample(fetch, ["c01", "c07"])
    assert [[e.chunk_id for e in batch] for batch in sample.fetch(["c07", "c09"])] == [["c07", "c09"]]
    assert [e.chunk_id for e in sample.entries()] == ["c01", "c07"]
    list(sample.fetch(["c10"]))
    assert fetched == [["c07", "c09", "c01"], ["c10"]]
    assert [e.chunk_id for e in Sample(fetch, ["c02"]).entries()] == ["c02"]
