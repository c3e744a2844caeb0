import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.index.access import Restrictions
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.manifest import FORMAT, IndexedModel, Manifest
from ragops.corpus.index.generations.verify import (
    Sample,
    VerifyReport,
    outdated_report,
    sample_ids,
    verify_generation,
)
from ragops.corpus.index.passages import Entry, text_key
from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.corpus.index.stores.terms_version import TERMS_VERSION, terms_version
from ragops.errors import UserError
from tests.support.memory_generation import MemoryStore, passage_table, texts_of

_FINGERPRINT = "ab" * 32
MODEL = IndexedModel(fingerprint=_FINGERPRINT, name="m", dimension=2)


@pytest.fixture
def rows(make_entry: Callable[..., Entry]) -> list[Entry]:
    angles = np.linspace(0, 3, 20)
    return [
        make_entry(
            f"c{n:02d}",
            ordinal=n,
            text_hash=f"{n:064x}"[::-1],
            vector=np.array([np.cos(a), np.sin(a)], dtype=np.float32),
        )
        for n, a in enumerate(angles)
    ]


def _verify(
    stored: Sequence[Entry],
    wanted: Sequence[Entry],
    lost: Sequence[str] = (),
    fingerprint: str = _FINGERPRINT,
    restricted: Mapping[str, tuple[str, ...]] | None = None,
    in_table: Sequence[Entry] = (),
    changed: Sequence[str] = (),
    built_with: str = TERMS_VERSION,
    terms: str | None = None,
) -> VerifyReport:
    manifest = Manifest(
        number=1, model=MODEL, count=len(wanted), source_version="x", parent=None, format=FORMAT, terms=built_with
    )
    words = LexicalIndex.build([e.text_hash for e in wanted], [e.text for e in wanted])
    lost_texts = [entry.text_hash for entry in stored if entry.chunk_id in lost]
    store, table = MemoryStore(texts_of(stored), lost_texts), passage_table(in_table or stored)
    generation = Generation(manifest, store, words, Restrictions(words.ids, restricted or {}), table)
    rows = {e.chunk_id: e.row_hash for e in wanted}
    return verify_generation(generation, rows, wanted, fingerprint, changed, terms)


def test_a_complete_generation_is_ok(rows: list[Entry]) -> None:
    report = _verify(rows, rows)
    assert report.ok
    assert str(report) == "index generation 000001-abababab: 20 rows match, 20 texts searched by their vector"


def test_texts_shown_to_other_groups_than_their_passages_are_reported(rows: list[Entry]) -> None:
    closed = [replace(rows[0], groups=("hr",)), *rows[1:]]
    assert _verify(closed, closed, restricted={rows[0].text_hash: ("hr",)}).ok
    in_words = _verify(closed, closed)
    in_store = _verify(rows, closed, restricted={rows[0].text_hash: ("hr",)}, in_table=closed)
    for report in (in_words, in_store):
        assert f"1 texts that a search shows to other groups than their passages ({rows[0].text_hash})" in str(report)


def test_a_copy_for_everybody_shows_the_text_to_everybody(rows: list[Entry]) -> None:
    copies = [*rows, replace(rows[0], chunk_id="copy", path="hr/copy.md", groups=("hr",))]
    assert _verify(copies, copies).ok


def test_an_index_with_a_vector_for_each_passage_is_reported(rows: list[Entry]) -> None:
    by_passage = [replace(row, text_hash=row.chunk_id) for row in rows]
    report = _verify(by_passage, rows, in_table=rows)
    assert "20 texts without a vector" in str(report)
    assert "20 vectors without a passage (c00, c01, c02, c03, c04, ...)" in str(report)
    old = outdated_report(Manifest(number=1, model=MODEL, count=9, source_version="x", parent=None))
    assert not old.ok
    assert "a vector for each passage" in str(old)
    assert "the refresh job rebuilds it" in str(old)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"format": FORMAT + 1}, "in another layout"), ({"terms": "1 en"}, "with other terms in its word index")],
)
def test_an_index_of_another_version_is_reported_with_the_difference(changed: dict[str, Any], reason: str) -> None:
    old = Manifest.model_validate(
        {"number": 1, "model": MODEL, "count": 9, "source_version": "x", "parent": None, "format": FORMAT} | changed
    )
    assert f"{reason}; the refresh job rebuilds it" in str(outdated_report(old))
    with pytest.raises(UserError, match=reason):
        old.check_format()


def test_changed_files_are_reported(rows: list[Entry]) -> None:
    report = _verify(rows, rows, changed=["bm25/ids.json"])
    assert not report.ok
    assert "1 files changed after publishing (bm25/ids.json)" in str(report)


def test_other_languages_than_the_use_cases_are_reported(rows: list[Entry]) -> None:
    wanted = terms_version(["en", "de"])
    assert "words are stemmed in no language, wanted de, en" in str(_verify(rows, rows, terms=wanted))
    other = _verify(rows, rows, built_with=terms_version(["de"]), terms=terms_version([]))
    assert not other.ok
    assert "words are stemmed in de, wanted no language" in str(other)
    assert _verify(rows, rows, built_with=terms_version(["de", "en"]), terms=wanted).ok


def test_at_most_five_missing_rows_are_named(rows: list[Entry]) -> None:
    report = _verify(rows[7:], rows)
    assert report.missing == tuple(f"c{n:02d}" for n in range(7))
    assert "7 missing (c00, c01, c02, c03, c04, ...)" in str(report)
    assert "the manifest counts 20 rows, the index contains 13" in report.problems
    assert json.loads(json.dumps(report.as_dict()))["missing"] == list(report.missing)


def test_stale_and_different_rows_are_reported(rows: list[Entry], make_entry: Callable[..., Entry]) -> None:
    report = _verify([*rows[:19], make_entry("c19", text_hash=rows[19].text_hash), make_entry("x")], rows)
    assert (report.stale, report.different, report.missing) == (("x",), ("c19",), ())
    assert not report.ok


def test_a_wrong_vector_is_reported(rows: list[Entry], make_entry: Callable[..., Entry]) -> None:
    turned = replace(rows[0], vector=np.array([0.9, 0.1], dtype=np.float32))
    longer = replace(rows[1], vector=rows[1].vector * 3)
    assert _verify([turned, longer, *rows[2:]], rows).wrong_vectors == ("c00",)


def test_a_graph_that_lost_texts_is_reported(rows: list[Entry]) -> None:
    assert _verify(rows, rows, lost=["c03"]).ok  # HNSW is approximate
    assert "2 texts not found by their own vector" in str(_verify(rows, rows, lost=["c03", "c09"]))


def test_documents_hidden_by_similar_texts_of_another_one_are_found(rows: list[Entry]) -> None:
    """The sample of texts, as good as any, contains only texts of the large document."""
    documents = [replace(row, doc_id=row.chunk_id) for row in rows[:5]]
    stored = [*documents, *rows[5:]]
    report = _verify(stored, rows[5:], lost=["c01", "c02", "c03"], in_table=stored)
    assert "3 texts not found by their own vector" in str(report)


def test_another_model_is_reported(rows: list[Entry]) -> None:
    assert "wanted cdcd" in str(_verify(rows, rows, fingerprint="cd" * 32))


def test_vectors_of_another_dimension_are_reported(rows: list[Entry], make_entry: Callable[..., Entry]) -> None:
    wide = [make_entry("c00", vector=np.ones(3, dtype=np.float32))]
    assert "vectors of shape [(3,)], the manifest says dimension 2" in str(_verify(wide, wide))


def test_words_without_vectors_are_reported(rows: list[Entry]) -> None:
    assert f"1 texts that are in the word index or in passages only ({rows[19].text_hash})" in str(
        _verify(rows[:19], rows)
    )


def test_a_sample_is_reproducible_and_limited() -> None:
    rows = {f"c{n}": f"{n:032x}"[::-1] for n in range(100)}
    assert sample_ids(rows, 10, "seed") == sample_ids(dict(reversed(rows.items())), 10, "seed")
    assert sample_ids(rows, 10, "seed") != sample_ids(rows, 10, "other")
    assert len(set(sample_ids(rows, 1000, "seed"))) == 100


@given(copies=st.integers(0, 500), seed=st.text())
def test_copies_do_not_displace_other_texts_in_the_sample(copies: int, seed: str) -> None:
    rows = {f"c{n}": f"{n:032x}"[::-1] for n in range(5)}
    copied = {f"copy{n}": f"{3:032x}"[::-1] for n in range(copies)}
    texts = [text_key({**rows, **copied}[chunk_id]) for chunk_id in sample_ids({**rows, **copied}, 5, seed)]
    assert sorted(texts) == sorted(text_key(row_hash) for row_hash in rows.values())


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
