"""Publishing: no changes, changes, damage, a full disk, another publisher, a worse index."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import pytest

from ragops.corpus.index.generations import publish as publish_module
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.manifest import read_manifest
from ragops.corpus.index.generations.publish import IndexSource, PublishReport, RecallGuard, publish
from ragops.corpus.index.generations.published_files import PublishedIndex
from ragops.corpus.index.generations.rollback_and_cleanup import collect_garbage, list_generations, rollback
from ragops.corpus.index.generations.verify import VerifyReport, verify_generation
from ragops.corpus.index.reading.reader import IndexReader
from ragops.corpus.index.stage import opened_copy
from ragops.corpus.index.stores.chroma import open_embedded
from ragops.corpus.index.stores.interface import regroup
from ragops.corpus.index.stores.passage_changes import PassageChanges
from ragops.corpus.index.stores.terms_version import terms_version
from ragops.errors import UserError
from ragops.platform.volumes import mounted
from tests.support import index_corpus
from tests.support.locks import lock_of
from tests.support.strict_volumes import plain

_CORPUS = Path(index_corpus.__file__)
Publish = Callable[..., PublishReport]


@pytest.fixture
def put(root: Path, tmp_path: Path) -> Publish:
    def put(source: IndexSource, **options: object) -> PublishReport:
        lock = lock_of(root)
        return publish(root, source, lock=lock, run_id="test", work_directory=tmp_path / "work", **options)

    return put


def _live(root: Path) -> Path:
    return root / "generations" / PublishedIndex(root).pointer().generation


def _verify(root: Path, source: IndexSource, tmp_path: Path) -> VerifyReport:
    """As the command does."""
    looked_at = tmp_path / "looked at"
    shutil.rmtree(looked_at, ignore_errors=True)
    generation = Generation.open(shutil.copytree(_live(root), looked_at))
    sample = [entry for batch in source.fetch(list(source.rows())) for entry in batch]
    try:
        index = PublishedIndex(root)
        changed = index.changed_files(index.manifest(index.pointer().generation))
        return verify_generation(
            generation, source.rows(), sample, source.model.fingerprint, changed, terms_version(source.languages)
        )
    finally:
        generation.close()


def _refuse_to_be_asked(*_: object) -> None:
    raise AssertionError("fetched although nothing changed")


def test_a_second_publish_of_the_same_rows_fetches_and_writes_nothing(
    root: Path, put: Publish, corpus: ModuleType
) -> None:
    first = put(corpus.source(corpus.BEFORE))
    assert (first.published, first.added, first.from_scratch) == (True, 60, True)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    same = replace(corpus.source(corpus.BEFORE), rows=_refuse_to_be_asked, fetch=_refuse_to_be_asked)
    assert put(same) == PublishReport(first.generation, published=False, rows=60)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == before


def test_only_changed_rows_are_fetched(root: Path, put: Publish, corpus: ModuleType, tmp_path: Path) -> None:
    put(corpus.source(corpus.BEFORE))
    wanted = corpus.source(corpus.AFTER)
    fetched: list[Sequence[str]] = []

    def fetch(ids: Sequence[str]):  # noqa: ANN202
        fetched.append(ids)
        return wanted.fetch(ids)

    report = put(replace(wanted, fetch=fetch))
    assert (report.added, report.updated, report.removed, report.from_scratch) == (6, 7, 5, False)
    assert [len(ids) for ids in fetched] == [
        61,
        7,
    ]  # rows to add and the sample of vectors (at most 64); rows to update
    assert read_manifest(_live(root)).parent == "000001-abababab"
    assert _verify(root, wanted, tmp_path).ok


def test_a_changed_title_gives_a_new_vector_with_the_same_id(
    root: Path, put: Publish, corpus: ModuleType, tmp_path: Path
) -> None:
    put(corpus.source(corpus.BEFORE))
    changed = replace(corpus.BEFORE[0], title="New", text_hash="f" * 64, vector=corpus.entry(999).vector)
    wanted = corpus.source([changed, *corpus.BEFORE[1:]])
    assert put(wanted).added == 1
    assert _verify(root, wanted, tmp_path).ok


def test_an_index_is_rebuilt_when_most_rows_were_replaced(root: Path, put: Publish, corpus: ModuleType) -> None:
    put(corpus.source(corpus.BEFORE))
    assert put(corpus.source(corpus.BEFORE[40:])).from_scratch
    assert not put(corpus.source([*corpus.BEFORE[40:], *(corpus.entry(n) for n in range(100, 160))])).from_scratch


def test_another_model_gets_its_own_generation(root: Path, put: Publish, corpus: ModuleType) -> None:
    put(corpus.source(corpus.BEFORE))
    reader = IndexReader(root)
    reader.check_encoder(corpus.MODEL.fingerprint, "model-a")
    report = put(corpus.source(corpus.BEFORE, corpus.OTHER_MODEL))
    assert (report.generation, report.from_scratch) == ("000002-cdcdcdcd", True)
    with pytest.raises(
        UserError, match=r"built with model model-b \(cdcdcdcd\), this retriever uses model-a \(abababab\)"
    ):
        reader.check_encoder(corpus.MODEL.fingerprint, "model-a")
    reader.close()


def test_other_languages_of_the_corpus_are_named_and_rebuild_the_word_index(
    root: Path, put: Publish, corpus: ModuleType, tmp_path: Path
) -> None:
    put(corpus.source(corpus.BEFORE))
    english = replace(corpus.source(corpus.BEFORE), languages=("en",))
    assert _verify(root, english, tmp_path).problems == ("words are stemmed in no language, wanted en",)
    assert (put(english).from_scratch, put(english).published) == (True, False)
    assert _verify(root, english, tmp_path).ok
    assert put(replace(corpus.source(corpus.AFTER), languages=("en",))).from_scratch is False
    with closing(IndexReader(root)) as reader:
        assert reader.generation().lexical("passages", 1), "the stem of `passage` is in the index"


def test_an_empty_index_can_be_published_and_searched(root: Path, put: Publish, corpus: ModuleType) -> None:
    assert put(corpus.source([])).published
    reader = IndexReader(root)
    assert reader.dense(corpus.BEFORE[0].vector, 3) == reader.lexical("number1", 3) == reader.entries(["x"]) == []
    put(corpus.source(corpus.BEFORE))
    assert reader.lexical("number1", 3)[0].text_hash == corpus.BEFORE[1].text_hash
    reader.close()


def test_manually_deleted_rows_are_named_and_restored_by_the_next_publish(
    root: Path, put: Publish, corpus: ModuleType, tmp_path: Path
) -> None:
    wanted = corpus.source(corpus.BEFORE)
    put(wanted)
    deleted, tampered, moved = corpus.BEFORE[7:10]
    with plain(root.parent), closing(PassageChanges(_live(root) / "passages.sqlite")) as changes:
        changes.delete([deleted.chunk_id])
        changes.write([replace(tampered, text="tampered"), corpus.entry(500)])
    store = open_embedded(_live(root) / "chroma")
    regroup(store, {moved.text_hash: ("hr",)})
    store.close()

    report = _verify(root, wanted, tmp_path)
    assert (report.missing, report.different, report.stale) == (
        (deleted.chunk_id,),
        (tampered.chunk_id,),
        (corpus.entry(500).chunk_id,),
    )
    assert not report.ok
    for problem in (
        f"1 missing ({deleted.chunk_id})",
        f"1 texts without a vector ({corpus.entry(500).text_hash})",
        f"1 vectors without a passage ({deleted.text_hash})",
        f"1 texts that a search shows to other groups than their passages ({moved.text_hash})",
        "files changed after publishing (chroma/",
    ):
        assert problem in str(report)

    assert put(wanted).from_scratch
    assert _verify(root, wanted, tmp_path).ok


@pytest.mark.parametrize(
    "damaged",
    ["chroma/*/data_level0.bin", "bm25/data.csc.index.npy", "manifest.json", "chroma/*.sqlite3", "passages.sqlite"],
)
def test_a_damaged_file_is_detected_and_the_index_rebuilt(
    root: Path, put: Publish, corpus: ModuleType, tmp_path: Path, damaged: str
) -> None:
    wanted = corpus.source([corpus.entry(number) for number in range(150)])
    put(wanted)
    next(_live(root).glob(damaged)).write_bytes(b"damaged")
    guard = RecallGuard(lambda generation: pytest.fail("recall of a damaged index was measured"), max_drop=0.0)
    report = put(wanted, recall_guard=guard)
    assert (report.published, report.from_scratch) == (True, True)
    assert _verify(root, wanted, tmp_path).ok


def test_a_changed_graph_is_not_opened_since_native_code_would_end_the_process(
    root: Path, put: Publish, corpus: ModuleType
) -> None:
    put(corpus.source([corpus.entry(number) for number in range(150)]))
    index, name = PublishedIndex(root), PublishedIndex(root).pointer().generation
    with opened_copy(index, name) as generation:
        assert generation.manifest.count == 150
    graph = next(_live(root).glob("chroma/*/data_level0.bin"))
    content = graph.read_bytes()
    graph.write_bytes(content[: len(content) // 2] + bytes(one ^ 0x15 for one in content[len(content) // 2 :]))
    refused = "1 files changed after publishing .*data_level0.bin.*so it was not opened"
    with pytest.raises(UserError, match=refused), opened_copy(index, name):
        pass


def test_opening_the_published_store_is_reported_and_repaired(
    root: Path, put: Publish, corpus: ModuleType, tmp_path: Path
) -> None:
    """Chroma writes into what it opens."""
    wanted = corpus.source(corpus.BEFORE)
    put(wanted)
    open_embedded(_live(root) / "chroma").close()
    assert "1 files changed after publishing (chroma/chroma.sqlite3)" in str(_verify(root, wanted, tmp_path))
    assert put(wanted).from_scratch
    assert _verify(root, wanted, tmp_path).ok


def _made_old(root: Path) -> str:
    """Makes the live generation's manifest one that an earlier version wrote; returns its name."""
    manifest = _live(root) / "manifest.json"
    fields = json.loads(manifest.read_text())
    del fields["format"]
    manifest.write_text(json.dumps(fields))
    return str(fields["number"]).zfill(6) + "-abababab"


def test_an_index_built_by_an_earlier_version_is_named_and_rebuilt(
    root: Path, put: Publish, corpus: ModuleType, tmp_path: Path
) -> None:
    wanted = corpus.source(corpus.BEFORE)
    put(wanted)
    old = _made_old(root)
    with pytest.raises(UserError, match=f"{old} was built by another version of ragops.*; run the refresh job"):
        IndexReader(root)
    guard = RecallGuard(lambda generation: pytest.fail("recall of an old index was measured"), max_drop=0.0)
    report = put(wanted, recall_guard=guard)
    assert (report.generation, report.from_scratch) == ("000002-abababab", True)
    assert _verify(root, wanted, tmp_path).ok
    with pytest.raises(UserError, match=f"{old} was built by another version"):
        rollback(root, lock=lock_of(root), run_id="test")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "WRITE VOLUME"),
        (errno.ENOTCONN, "Transport endpoint is not connected"),
    ],
)
@pytest.mark.parametrize("at", [1, 4, "manifest.json", "pointer.copy.json", "pointer.json"])
def test_a_failing_volume_leaves_a_live_generation_and_the_error_names_the_file(
    root: Path,
    put: Publish,
    corpus: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    number: int,
    reason: str,
    at: int | str,
) -> None:
    put(corpus.source(corpus.BEFORE))
    written: list[Path] = []
    really = mounted._fill

    def fail(file: BinaryIO, content: BinaryIO) -> None:
        written.append(Path(file.name))
        if at in (len(written), written[-1].name):
            file.write(b"half")
            raise OSError(number, os.strerror(number))
        really(file, content)

    with monkeypatch.context() as patched:
        patched.setattr(mounted, "_fill", fail)
        with pytest.raises(UserError) as caught:
            put(corpus.source(corpus.AFTER))
    # In a folder, unlike on a volume, the pointer is then half written, and its copy is valid.
    live, rows = ("000002", corpus.AFTER) if at == "pointer.json" else ("000001", corpus.BEFORE)
    assert str(caught.value).startswith(f"publish stopped, {live}-abababab is live: {written[-1]}: ")
    assert reason in str(caught.value)
    reader = IndexReader(root)
    assert reader.generation().table.row_hashes() == corpus.source(rows).rows()
    reader.close()
    put(corpus.source(corpus.AFTER))
    assert _verify(root, corpus.source(corpus.AFTER), tmp_path).ok
    assert len(list((root / "generations").iterdir())) == len(list_generations(root)) == 2


def test_a_full_local_disk_is_an_error_and_leaves_the_live_generation(
    root: Path, put: Publish, corpus: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(corpus.source(corpus.BEFORE))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(publish_module, "seal_draft", full)
        with pytest.raises(UserError, match=f"no space left to build index {root} in {tmp_path / 'work'}"):
            put(corpus.source(corpus.AFTER))
    assert _verify(root, corpus.source(corpus.BEFORE), tmp_path).ok
    assert put(corpus.source(corpus.AFTER)).published


def test_rows_missing_from_fetch_stop_the_publish(root: Path, put: Publish, corpus: ModuleType) -> None:
    put(corpus.source(corpus.BEFORE))
    wanted = corpus.source(corpus.AFTER)
    with pytest.raises(UserError, match="6 missing .* not published"):
        put(replace(wanted, fetch=lambda ids: iter(())))
    assert PublishedIndex(root).pointer().generation == "000001-abababab"


def test_wrong_vectors_stop_the_publish(root: Path, put: Publish, corpus: ModuleType) -> None:
    put(corpus.source(corpus.BEFORE))
    store = corpus.source(corpus.AFTER)
    before = {entry.chunk_id for entry in corpus.BEFORE}

    def fetch(ids: Sequence[str]):  # noqa: ANN202
        for batch in store.fetch(ids):
            yield [replace(e, vector=-e.vector) if e.chunk_id in before else e for e in batch]

    with pytest.raises(UserError, match="55 with a wrong vector"):
        put(replace(store, fetch=fetch))


def test_a_drop_in_recall_stops_the_publish(root: Path, put: Publish, corpus: ModuleType) -> None:
    put(corpus.source(corpus.BEFORE), recall_guard=RecallGuard(lambda g: pytest.fail("nothing to compare with"), 0.0))
    measured = {"000001-abababab": 0.9, "000002-abababab": 0.8}
    strict = RecallGuard(lambda generation: measured[generation.manifest.name], max_drop=0.05)
    with pytest.raises(UserError, match=r"from 0.900 \(000001-abababab\) to 0.800, more than the allowed 0.050"):
        put(corpus.source(corpus.AFTER), recall_guard=strict)
    assert PublishedIndex(root).pointer().generation == "000001-abababab"
    assert put(corpus.source(corpus.AFTER), recall_guard=replace(strict, max_drop=0.11)).published
    unknown = RecallGuard(lambda generation: None, max_drop=0.0)
    assert put(corpus.source(corpus.BEFORE), recall_guard=unknown).published


def test_a_guard_is_prepared_only_when_there_is_something_to_build(put: Publish, corpus: ModuleType) -> None:
    prepared: list[str] = []
    for state, times in ((corpus.BEFORE, 1), (corpus.BEFORE, 1), (corpus.AFTER, 2)):
        guard = RecallGuard(lambda generation: None, 0.0, lambda: prepared.append("once"))
        put(corpus.source(state), recall_guard=guard)
        assert len(prepared) == times


@pytest.mark.parametrize("half", ["", "{", '{"generation": "000001-abab'])
def test_a_damaged_pointer_is_read_from_its_copy_and_repaired_by_the_next_publish(
    root: Path, put: Publish, corpus: ModuleType, half: str
) -> None:
    put(corpus.source(corpus.BEFORE))
    (root / "pointer.json").write_text(half)
    reader = IndexReader(root)
    assert reader.generation().table.row_hashes() == corpus.source(corpus.BEFORE).rows()
    reader.close()
    assert not put(corpus.source(corpus.BEFORE)).published
    assert (root / "pointer.json").read_bytes() == (root / "pointer.copy.json").read_bytes()


def test_a_damaged_pointer_without_its_copy_is_an_error_and_the_next_publish_rebuilds(
    root: Path, put: Publish, corpus: ModuleType
) -> None:
    put(corpus.source(corpus.BEFORE))
    (root / "pointer.json").write_text("")
    (root / "pointer.copy.json").write_text("{")
    with pytest.raises(UserError, match=r"pointer.json is not a readable pointer \(empty\)"):
        IndexReader(root)
    report = put(corpus.source(corpus.BEFORE))
    assert (report.generation, report.from_scratch) == ("000002-abababab", True)


def test_a_generation_without_its_files_is_neither_read_nor_rolled_back_to(
    root: Path, put: Publish, corpus: ModuleType, tmp_path: Path
) -> None:
    """The next publish rebuilds it."""
    put(corpus.source(corpus.BEFORE))
    put(corpus.source(corpus.AFTER))
    for name in ("000001-abababab", "000002-abababab"):
        shutil.rmtree(root / "generations" / name / "chroma")
    with pytest.raises(UserError, match="chroma"):
        IndexReader(root)
    with pytest.raises(UserError, match="index generation 000001-abababab lacks chroma/"):
        rollback(root, lock=lock_of(root), run_id="test")
    assert put(corpus.source(corpus.AFTER)).from_scratch
    assert _verify(root, corpus.source(corpus.AFTER), tmp_path).ok


def test_a_copied_generation_folder_is_not_a_generation(root: Path, put: Publish, corpus: ModuleType) -> None:
    """The copy is not removed either, and errors name it."""
    put(corpus.source(corpus.BEFORE))
    with plain(root.parent):
        shutil.copytree(_live(root), root / "generations" / "000007-abababab")
    assert [one.name for one in list_generations(root)] == ["000001-abababab"]
    with pytest.raises(UserError, match="000007-abababab contains the manifest of 000001-abababab"):
        PublishedIndex(root).manifest("000007-abababab")
    with pytest.raises(UserError, match="no generation 000007-abababab in .*: 000001-abababab"):
        rollback(root, "000007-abababab", lock=lock_of(root), run_id="test")
    assert put(corpus.source(corpus.AFTER)).generation == "000008-abababab"
    assert (root / "generations" / "000007-abababab").is_dir()


def test_a_second_publisher_stops_or_waits(root: Path, put: Publish, corpus: ModuleType, tmp_path: Path) -> None:
    """Its error names the first one; an open reader sees what the other process published."""
    put(corpus.source(corpus.BEFORE))
    reader = IndexReader(root)
    gate = tmp_path / "gate"
    gate.mkdir()
    task = {"root": str(root), "work": str(tmp_path / "other work"), "gate": str(gate)}
    (tmp_path / "tasks.json").write_text(json.dumps([[task]]))
    other = subprocess.Popen([sys.executable, _CORPUS, tmp_path / "tasks.json"])
    try:
        corpus.wait_for(gate / "fetching")
        with pytest.raises(UserError, match=r"is locked by .* pid \d+, run other, since \d{4}-"):
            put(corpus.source(corpus.BEFORE))
        assert reader.generation().table.count() == 60
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(put, corpus.source(corpus.AFTER), wait_seconds=120.0)
            (gate / "go on").touch()
            assert not waiting.result().published  # the other one did it
    finally:
        (gate / "go on").touch()
        assert other.wait() == 0
    assert reader.generation().table.row_hashes() == corpus.source(corpus.AFTER).rows()
    reader.close()


def test_rollback_and_garbage_collection_keep_what_is_needed(root: Path, put: Publish, corpus: ModuleType) -> None:
    for end in (60, 61, 62, 63, 64):
        put(corpus.source(corpus.entry(number) for number in range(end)))
    reader, lock = IndexReader(root), lock_of(root)
    assert rollback(root, lock=lock, run_id="test").generation == "000004-abababab"
    assert reader.generation().table.count() == 63
    assert rollback(root, "000001-abababab", lock=lock, run_id="test").previous == "000004-abababab"
    with pytest.raises(UserError, match="no generation 000009-abababab in .*: 000001-abababab, "):
        rollback(root, "000009-abababab", lock=lock, run_id="test")
    (root / "generations" / "000099-abababab" / "chroma").mkdir(parents=True)
    (root / "generations" / ".building-000098-abababab").mkdir()  # as versions before this one left them
    with pytest.raises(UserError, match="index generation 000001-abababab is already live"):
        rollback(root, "000001-abababab", lock=lock, run_id="test")

    assert collect_garbage(root, keep=1, lock=lock, run_id="test") == ["000002-abababab", "000003-abababab"]
    assert [(g.name, g.live) for g in list_generations(root)] == [
        ("000001-abababab", True),
        ("000004-abababab", False),
        ("000005-abababab", False),
    ]
    assert len(list((root / "generations").iterdir())) == 3
    assert reader.generation().table.count() == 60
    with pytest.raises(UserError, match="keep=0"):
        collect_garbage(root, keep=0, lock=lock, run_id="test")
    reader.close()


def test_rollback_and_garbage_collection_without_an_index_are_errors(root: Path) -> None:
    with pytest.raises(UserError, match="no index at"):
        rollback(root, lock=lock_of(root), run_id="test")
    with pytest.raises(UserError, match="no index at"):
        collect_garbage(root, lock=lock_of(root), run_id="test")
