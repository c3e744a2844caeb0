"""Changed access rules: a generation is published with them, also after one from before groups existed."""

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.corpus.index.access import AccessRule, groups_of, rules_digest, visible
from ragops.corpus.index.generations.publish import PublishReport, publish
from ragops.corpus.index.passages import Entry
from ragops.corpus.index.reading.reader import IndexReader
from ragops.errors import UserError
from tests.support.locks import lock_of

RULES = [AccessRule(path="docs/0.md", groups=("hr",)), AccessRule(path="docs/1.md", groups=("hr", "legal"))]
READERS = st.frozensets(st.sampled_from(["hr", "legal", "it"]))


def _publish(root: Path, corpus: ModuleType, tmp_path: Path, rules: list[AccessRule], count: int = 40) -> PublishReport:
    of = groups_of(rules)
    rows = [replace(row, groups=of(row.path)) for row in map(corpus.entry, range(count))]
    source = corpus.source(rows, access=rules_digest(rules))
    return publish(root, source, lock=lock_of(root), run_id="test", work_directory=tmp_path / "work")


def _found(reader: IndexReader, row: Entry, groups: frozenset[str] | tuple[str, ...]) -> list[bool]:
    """Whether dense and lexical search find the row."""
    dense = reader.dense(row.vector, 1, groups)[0].text_hash == row.text_hash
    words = reader.lexical(row.text.split()[1], 1, groups)
    return [dense, bool(words) and words[0].text_hash == row.text_hash]


def test_a_new_rule_is_published_and_applies_to_both_searches(root: Path, corpus: ModuleType, tmp_path: Path) -> None:
    first = _publish(root, corpus, tmp_path, [])
    reader, row = IndexReader(root), corpus.entry(3)
    assert _found(reader, row, ()) == [True, True]
    second = _publish(root, corpus, tmp_path, RULES)
    assert (second.published, second.added, second.updated) == (True, 0, 20)
    assert reader.manifest.group_sets == 2
    assert reader.manifest.parent == first.generation
    assert _found(reader, row, ()) == [False, False]
    assert _found(reader, row, ("legal",)) == [False, False]
    assert _found(reader, row, ("hr",)) == [True, True]
    assert not _publish(root, corpus, tmp_path, RULES).published
    third = _publish(root, corpus, tmp_path, [])
    assert third.from_scratch, "40 rows moved from graph to graph, of 40: too many dead nodes"
    assert _found(reader, row, ()) == [True, True]
    reader.close()


def test_restrictions_are_kept_in_the_next_generation(root: Path, corpus: ModuleType, tmp_path: Path) -> None:
    _publish(root, corpus, tmp_path, RULES)
    report = _publish(root, corpus, tmp_path, RULES, count=41)
    assert (report.added, report.updated, report.from_scratch) == (1, 0, False)
    reader = IndexReader(root)
    assert _found(reader, corpus.entry(3), ()) == [False, False]
    assert _found(reader, corpus.entry(40), ()) == [True, True]
    reader.close()


def test_rules_that_change_no_passage_are_recorded(root: Path, corpus: ModuleType, tmp_path: Path) -> None:
    _publish(root, corpus, tmp_path, RULES)
    more = [*RULES, AccessRule(path="nothing/here/**", groups=("it",))]
    report = _publish(root, corpus, tmp_path, more)
    assert (report.published, report.updated) == (True, 0)
    reader = IndexReader(root)
    assert reader.manifest.access == rules_digest(more)
    reader.close()


def test_a_generation_without_groups_is_readable_by_everybody(root: Path, corpus: ModuleType, tmp_path: Path) -> None:
    name = _publish(root, corpus, tmp_path, []).generation
    manifest = root / "generations" / name / "manifest.json"
    fields = json.loads(manifest.read_text())
    manifest.write_text(
        json.dumps({key: value for key, value in fields.items() if key not in ("access", "group_sets")})
    )
    reader = IndexReader(root)
    assert _found(reader, corpus.entry(3), ()) == [True, True]
    _publish(root, corpus, tmp_path, RULES)
    assert _found(reader, corpus.entry(3), ()) == [False, False]
    reader.close()


def test_missing_restrictions_are_an_error(root: Path, corpus: ModuleType, tmp_path: Path) -> None:
    name = _publish(root, corpus, tmp_path, RULES).generation
    (root / "generations" / name / "access.json").unlink()
    with pytest.raises(UserError, match="access.json: .*; run the refresh job"):
        IndexReader(root)
    assert _publish(root, corpus, tmp_path, RULES).published
    reader = IndexReader(root)
    assert _found(reader, corpus.entry(3), ()) == [False, False]
    reader.close()


@pytest.fixture(scope="module")
def restricted(corpus: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> IndexReader:
    folder = tmp_path_factory.mktemp("restricted")
    rules = [*RULES, AccessRule(path="docs/2.md", groups=("legal",))]
    _publish(folder / "index", corpus, folder, rules)
    return IndexReader(folder / "index", folder / "readers")


@settings(deadline=None, max_examples=40)
@given(reader=READERS, seed=st.integers(0, 2**32 - 1), k=st.integers(1, 60))
def test_a_reader_finds_only_visible_passages(
    restricted: IndexReader, reader: frozenset[str], seed: int, k: int
) -> None:
    vector = np.random.default_rng(seed).standard_normal(16).astype(np.float32)
    generation = restricted.generation()
    seen = {text for text, groups in generation.store.texts().items() if visible(groups, reader)}
    for hits in (generation.dense(vector, k, reader), generation.lexical("passage about topic3", k, reader)):
        assert len(hits) == min(k, len(seen))  # and what he may see is not missing
        assert {hit.text_hash for hit in hits} <= seen
