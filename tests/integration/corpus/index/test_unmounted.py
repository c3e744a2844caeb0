"""Readers where the index's volume is not mounted: through the Files API, even if it fails."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from ragops.corpus.index.generations.publish import publish
from ragops.corpus.index.reading import reader as reader_module
from ragops.corpus.index.reading.reader import IndexReader
from ragops.errors import UserError
from tests.support.files_double import Double, enter, served
from tests.support.locks import lock_of
from tests.support.strict_volumes import plain, strict_volumes

ROOT = Path("/Volumes/main/rag/indexes/passages")


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """The volume's folder as mounted for the publishing job."""
    (tmp_path / "volumes" / "indexes").mkdir(parents=True)
    with strict_volumes(tmp_path / "volumes") as volumes:
        yield volumes / "indexes" / "passages"


@pytest.fixture(params=[True, False], ids=["presigned", "direct"])
def double(
    request: pytest.FixtureRequest, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Double]:
    double = Double(tmp_path / "volumes", presigned=request.param)
    with served(double) as address:
        enter(address, tmp_path, monkeypatch)
        # Each question looks, and waits until a new generation is there.
        monkeypatch.setattr(reader_module, "_CHECK_SECONDS", 0.0)
        monkeypatch.setattr(reader_module, "_PATIENCE_SECONDS", None)
        yield double
    assert double.faults == []


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "readers"


def _publish(root: Path, corpus: ModuleType, tmp_path: Path, count: int) -> str:
    rows = [corpus.entry(number) for number in range(count)]
    return publish(
        root, corpus.source(rows), lock=lock_of(root), run_id="test", work_directory=tmp_path / "work"
    ).generation


def _rows(reader: IndexReader) -> int:
    return reader.generation().table.count()


def test_a_missing_index_is_an_error(double: Double) -> None:
    with pytest.raises(UserError, match=f"^no index at {ROOT}; run the refresh job first"):
        IndexReader(ROOT)


def test_a_generation_is_fetched_once_and_the_next_one_followed(
    double: Double, root: Path, corpus: ModuleType, tmp_path: Path, cache: Path
) -> None:
    name = _publish(root, corpus, tmp_path, 60)
    reader, row = IndexReader(ROOT, cache), corpus.entry(17)
    assert reader.dense(row.vector, 1)[0].text_hash == reader.lexical("number17", 1)[0].text_hash == row.text_hash
    assert reader.entries([row.chunk_id])[0].text == row.text
    other = IndexReader(ROOT, cache)
    assert double.times("GET", f"{name}/chroma/chroma.sqlite3") == 1
    _publish(root, corpus, tmp_path, 61)
    assert (_rows(reader), _rows(other)) == (61, 61)
    reader.close()
    other.close()


def test_between_two_checks_a_question_sends_no_request(
    double: Double, root: Path, corpus: ModuleType, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "_CHECK_SECONDS", 1e6)
    _publish(root, corpus, tmp_path, 60)
    reader = IndexReader(ROOT, cache)
    asked = len(double.asked)
    _publish(root, corpus, tmp_path, 61)
    assert [_rows(reader) for _ in range(5)] == [60] * 5
    assert len(double.asked) == asked
    reader.close()


def test_the_old_generation_answers_while_the_api_is_unavailable(
    double: Double,
    root: Path,
    corpus: ModuleType,
    tmp_path: Path,
    cache: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _publish(root, corpus, tmp_path, 60)
    reader = IndexReader(ROOT, cache)
    _publish(root, corpus, tmp_path, 61)
    double.down = True
    assert _rows(reader) == 60
    assert "stays in use" in caplog.text and "the workspace does not answer" in caplog.text
    double.down = False
    assert _rows(reader) == 60  # not tried again at once
    monkeypatch.setattr(reader_module, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 1e6))
    assert _rows(reader) == 61
    reader.close()


def test_the_old_generation_answers_while_the_new_one_is_fetched(
    double: Double, root: Path, corpus: ModuleType, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "_PATIENCE_SECONDS", 0.01)
    _publish(root, corpus, tmp_path, 60)
    reader = IndexReader(ROOT, cache)
    double.slow.add("chroma.sqlite3")
    name = _publish(root, corpus, tmp_path, 61)
    assert [_rows(reader) for _ in range(3)] == [60] * 3
    double.released.set()
    while _rows(reader) == 60:
        time.sleep(0.01)
    assert double.times("GET", f"{name}/chroma/chroma.sqlite3") == 1  # not once for each question
    reader.close()
    assert not [one for one in threading.enumerate() if one.name == "index-follower" and one.is_alive()]


@pytest.mark.parametrize("trouble", ["gone", "forbidden", "cut for good", "other bytes", "outside"])
def test_an_incompletely_fetched_generation_is_never_opened(
    double: Double, root: Path, corpus: ModuleType, tmp_path: Path, cache: Path, trouble: str
) -> None:
    name = _publish(root, corpus, tmp_path, 60)
    generation = root / "generations" / name
    shutil.copytree(generation, tmp_path / "kept")
    file = generation / "chroma" / "chroma.sqlite3"
    if trouble == "gone":
        file.unlink()
    elif trouble == "forbidden":
        double.refused["chroma.sqlite3"] = 403
    elif trouble == "cut for good":
        double.cut["chroma.sqlite3"] = 1000
    elif trouble == "other bytes":
        file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    else:
        manifest = generation / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"rows.json"', '"../../rows.json"'))
    messages = {
        "gone": "chroma.sqlite3: ",
        "forbidden": "not permitted",
        "cut for good": "the workspace does not answer",
        "other bytes": f"index generation {name}: chroma/chroma.sqlite3 differs from the manifest",
        "outside": "names '../../rows.json', outside of its folder",
    }
    with pytest.raises(UserError, match=messages[trouble]):
        IndexReader(ROOT, cache)
    assert list(cache.iterdir()) == []
    shutil.rmtree(generation)
    with plain(tmp_path / "volumes"):
        shutil.move(tmp_path / "kept", generation)
    double.refused.clear()
    double.cut.clear()
    reader = IndexReader(ROOT, cache)
    assert _rows(reader) == 60
    reader.close()


def test_a_damaged_pointer_is_an_error(double: Double, root: Path) -> None:
    root.mkdir()
    (root / "pointer.json").write_text("not JSON")
    with pytest.raises(UserError, match=f"{ROOT}/pointer.json is not a readable pointer"):
        IndexReader(ROOT)


def test_an_index_packaged_with_the_model_is_read_as_a_folder(
    double: Double, corpus: ModuleType, tmp_path: Path, cache: Path
) -> None:
    _publish(tmp_path / "artifact", corpus, tmp_path, 60)
    reader = IndexReader(tmp_path / "artifact", cache)
    assert _rows(reader) == 60
    assert double.asked == []
    reader.close()
