"""Readers: their copies, and what they do when the pointer moves or its generation is damaged."""

import shutil
from pathlib import Path
from types import ModuleType

import pytest

from ragops.corpus.index.generations.publish import publish
from ragops.corpus.index.reading import reader as reader_module
from ragops.corpus.index.reading.reader import IndexReader
from ragops.errors import UserError
from tests.support.locks import lock_of
from tests.support.strict_volumes import plain


def _publish(root: Path, corpus: ModuleType, tmp_path: Path, count: int) -> str:
    rows = [corpus.entry(number) for number in range(count)]
    return publish(
        root, corpus.source(rows), lock=lock_of(root), run_id="test", work_directory=tmp_path / "work"
    ).generation


def test_a_missing_index_is_an_error(root: Path) -> None:
    with pytest.raises(UserError, match="no index at .*; run the refresh job first"):
        IndexReader(root)


def test_a_reader_searches_and_returns_passages(root: Path, corpus: ModuleType, tmp_path: Path) -> None:
    _publish(root, corpus, tmp_path, 60)
    reader = IndexReader(root)
    row = corpus.entry(17)
    assert reader.manifest.count == 60
    assert reader.dense(row.vector, 3)[0].text_hash == row.text_hash
    assert reader.dense(row.vector, 3)[0].score == pytest.approx(1.0, abs=1e-5)
    assert reader.lexical("what does number17 say", 2)[0].text_hash == row.text_hash
    assert reader.lexical("Section 17", 1)[0].text_hash == row.text_hash  # headings are words too
    assert reader.entries([row.chunk_id, "unknown"])[0].row_hash == row.row_hash
    with pytest.raises(ValueError, match="dimension 16"):
        reader.dense(row.vector[:3], 1)
    reader.close()


def test_readers_never_write_to_the_published_generation(root: Path, corpus: ModuleType, tmp_path: Path) -> None:
    name = _publish(root, corpus, tmp_path, 60)
    files = [path for path in (root / "generations" / name).rglob("*") if path.is_file()]
    before = [path.read_bytes() for path in files]
    reader = IndexReader(root)
    reader.dense(corpus.entry(1).vector, 5)
    reader.close()
    assert [path.read_bytes() for path in files] == before


def test_a_copy_is_made_once_and_pruned_when_no_reader_uses_it(root: Path, corpus: ModuleType, tmp_path: Path) -> None:
    cache = tmp_path / "readers"
    _publish(root, corpus, tmp_path, 60)
    first, second = IndexReader(root, cache), IndexReader(root, cache)
    assert len(list(cache.iterdir())) == 1
    (cache / ".copying-left-by-a-dead-process").mkdir()
    for count in (61, 62, 63):
        _publish(root, corpus, tmp_path, count)
        assert first.generation().table.count() == count
    # in use: `second` still has 60 rows open; `first` has 63, and 62 for a search that may still run
    assert sorted(path.name[:6] for path in cache.iterdir()) == ["000001", "000003", "000004"]
    second.close()
    _publish(root, corpus, tmp_path, 64)
    assert first.generation().table.count() == 64
    assert sorted(path.name[:6] for path in cache.iterdir()) == ["000004", "000005"]
    first.close()


def test_the_old_generation_answers_while_the_new_one_cannot_be_opened(
    root: Path, corpus: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish(root, corpus, tmp_path, 60)
    reader = IndexReader(root)
    new = root / "generations" / _publish(root, corpus, tmp_path, 61)
    shutil.move(new, tmp_path / "away")
    assert reader.generation().table.count() == 60
    with plain(root.parent):
        shutil.move(tmp_path / "away", new)
    assert reader.generation().table.count() == 60  # not tried again at once
    monkeypatch.setattr(reader_module.time, "monotonic", lambda: 1e12)
    assert reader.generation().table.count() == 61
    (root / "pointer.json").write_text("not JSON")
    assert reader.generation().table.count() == 61
    reader.close()


@pytest.mark.parametrize(
    "damaged", ["chroma/chroma.sqlite3", "chroma/*/header.bin", "bm25/data.csc.index.npy", "passages.sqlite"]
)
def test_a_damaged_generation_is_refused_and_its_copy_removed(
    root: Path, corpus: ModuleType, tmp_path: Path, damaged: str
) -> None:
    name = _publish(root, corpus, tmp_path, 150)
    file = next((root / "generations" / name).glob(damaged))
    whole = file.read_bytes()
    file.write_bytes(b"damaged")
    with pytest.raises(UserError, match=f"index generation {name} cannot be opened"):
        IndexReader(root)
    file.write_bytes(whole)
    reader = IndexReader(root)
    assert reader.manifest.count == 150
    reader.close()


def test_a_reused_generation_number_does_not_reuse_an_old_copy(root: Path, corpus: ModuleType, tmp_path: Path) -> None:
    _publish(root, corpus, tmp_path, 60)
    IndexReader(root).close()
    shutil.rmtree(root)
    _publish(root, corpus, tmp_path, 61)
    reader = IndexReader(root)
    assert reader.generation().table.count() == 61
    reader.close()
