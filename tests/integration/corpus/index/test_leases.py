"""Publishers, rollbacks and garbage collections on several machines, one of them suspended at the worst moment."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from ragops.corpus.index.generations.pointer import Pointer
from ragops.corpus.index.generations.publish import publish
from ragops.corpus.index.generations.published_files import PublishedIndex
from ragops.corpus.index.generations.rollback_and_cleanup import (
    collect_garbage,
    list_generations,
    move_pointer,
    rollback,
    settle,
)
from ragops.corpus.index.locks.lease import LeaseLock
from ragops.corpus.index.reading.reader import IndexReader
from ragops.errors import UserError
from ragops.platform.volumes.errors import VolumeError
from ragops.platform.volumes.mounted import MountedFiles
from tests.support.memory_row import MemoryRow

Put = Callable[..., str]


@pytest.fixture
def row(root: Path) -> MemoryRow:
    return MemoryRow(str(root))


def _sleeper(row: MemoryRow) -> LeaseLock:
    return LeaseLock(row, renewal=1e9, silence=1e9)


def _taker(row: MemoryRow) -> LeaseLock:
    return LeaseLock(row, renewal=0.01, silence=0.0)


@pytest.fixture
def put(root: Path, corpus: ModuleType, tmp_path: Path, row: MemoryRow) -> Put:
    """Publishes this many rows from another machine, which takes the lock over."""

    def put(count: int, run: str = "next") -> str:
        source = corpus.source(corpus.entry(number) for number in range(count))
        return publish(root, source, lock=_taker(row), run_id=run, work_directory=tmp_path / run).generation

    return put


def _consistent(root: Path, corpus: ModuleType, count: int) -> None:
    reader = IndexReader(root)
    assert reader.generation().table.row_hashes() == corpus.source(corpus.entry(n) for n in range(count)).rows()
    reader.close()
    index = PublishedIndex(root)
    assert {index.pointer().generation, index.pointer().previous} - {None} <= set(index.names())


def test_a_publisher_suspended_before_its_decision_changes_nothing(
    root: Path, corpus: ModuleType, tmp_path: Path, row: MemoryRow, put: Put
) -> None:
    """Its generation is obsolete when it continues; the other publisher's stays live."""
    put(60)
    slept: list[str] = []

    def overtaken() -> None:
        if not slept:
            slept.append(put(61))

    source = corpus.source((corpus.entry(n) for n in range(50)), while_fetching=overtaken)
    with pytest.raises(UserError, match="taken over by .*, run next, since .*; run this again"):
        publish(root, source, lock=_sleeper(row), run_id="sleeper", work_directory=tmp_path / "sleeper")
    _consistent(root, corpus, 61)
    assert slept[0] == PublishedIndex(root).pointer().generation


@pytest.mark.parametrize("fails", [False, True])
def test_a_decision_is_carried_out_by_the_next_owner(
    root: Path,
    corpus: ModuleType,
    tmp_path: Path,
    row: MemoryRow,
    put: Put,
    monkeypatch: pytest.MonkeyPatch,
    fails: bool,
) -> None:
    """Another publisher makes the decided generation live and builds on it; the first one removes neither later."""
    put(60)
    really, slept = MountedFiles.write, []

    def sleep(self: MountedFiles, path: Path, content: bytes) -> None:
        if path.name == "pointer.copy.json" and not slept:
            slept.append("asleep")
            put(62)
            if fails:
                raise VolumeError(f"{path}: no space left to write it")
        really(self, path, content)

    monkeypatch.setattr(MountedFiles, "write", sleep)
    source = corpus.source(corpus.entry(n) for n in range(61))
    with pytest.raises(UserError):
        publish(root, source, lock=_sleeper(row), run_id="sleeper", work_directory=tmp_path / "sleeper")
    _consistent(root, corpus, 62)
    assert [one.name for one in list_generations(root)] == [f"00000{n}-abababab" for n in (1, 2, 3)]
    assert rollback(root, lock=_taker(row), run_id="manual").generation == "000002-abababab"


def test_a_decision_is_reverted_if_the_pointer_cannot_be_written(
    root: Path, corpus: ModuleType, tmp_path: Path, row: MemoryRow, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback that failed must not take effect with the next publish."""
    put(60)
    put(61)

    def full(self: MountedFiles, path: Path, content: bytes) -> None:
        raise VolumeError(f"{path}: no space left to write it")

    with monkeypatch.context() as patched:
        patched.setattr(MountedFiles, "write", full)
        with pytest.raises(VolumeError):
            rollback(root, lock=_taker(row), run_id="manual")
    put(61)
    assert PublishedIndex(root).pointer().generation == "000002-abababab"


def test_a_late_writer_corrects_the_pointer_itself(root: Path, corpus: ModuleType, row: MemoryRow, put: Put) -> None:
    put(60)
    put(61)
    index = PublishedIndex(root)
    old = Pointer.to(index.manifest("000001-abababab"), index.manifest("000002-abababab"))
    really = index.write_pointer

    def slept(pointer: Pointer) -> None:
        if pointer == old:
            put(62)
        really(pointer)

    index.write_pointer = slept  # type: ignore[method-assign]
    with _sleeper(row).hold("rollback") as hold, pytest.raises(UserError, match="taken over by .* run next"):
        move_pointer(index, old, hold)
    _consistent(root, corpus, 62)


def test_a_pointer_overwritten_by_a_dead_writer_is_corrected_by_the_next_owner(
    root: Path, corpus: ModuleType, row: MemoryRow, put: Put
) -> None:
    put(60)
    put(61)
    index = PublishedIndex(root)
    index.write_pointer(Pointer.to(index.manifest("000001-abababab"), None))
    put(61)
    _consistent(root, corpus, 61)


def test_a_garbage_collection_suspended_after_its_decision_removes_nothing_live(
    root: Path, corpus: ModuleType, row: MemoryRow, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removals are committed first: a rollback in between completes them, and does not find those generations."""
    for count in (60, 61, 62, 63):
        put(count)
    really, slept = PublishedIndex.remove, []

    def sleep(self: PublishedIndex, generation: str) -> None:
        if not slept:
            slept.append(generation)
            with pytest.raises(UserError, match="no generation 000001-abababab in .*: 000003-abab"):
                rollback(root, "000001-abababab", lock=_taker(row), run_id="next")
            rollback(root, "000003-abababab", lock=_taker(row), run_id="next")
        really(self, generation)

    monkeypatch.setattr(PublishedIndex, "remove", sleep)
    with pytest.raises(UserError, match="taken over"):
        collect_garbage(root, 1, lock=_sleeper(row), run_id="sleeper")
    _consistent(root, corpus, 62)
    assert row.state.condemned == ""


def test_an_interrupted_garbage_collection_is_completed_by_the_next_owner(
    root: Path, corpus: ModuleType, row: MemoryRow, put: Put
) -> None:
    for count in (60, 61, 62):
        put(count)
    with _taker(row).hold("killed") as hold:
        hold.condemn(["000001-abababab"])
    with _taker(row).hold("next") as hold:
        settle(PublishedIndex(root), hold)
        assert hold.condemned() == []
    assert PublishedIndex(root).names() == ["000002-abababab", "000003-abababab"]


def test_unfinished_files_of_a_suspended_publisher_are_kept_for_a_day(
    root: Path, corpus: ModuleType, row: MemoryRow, put: Put
) -> None:
    put(60)
    begun = root / "generations" / "000002-abababab" / "chroma"
    begun.mkdir(parents=True)
    (begun / "chroma.sqlite3").write_bytes(b"half")
    assert put(61) == "000003-abababab" and begun.is_dir()
    PublishedIndex(root).remove_unfinished(timedelta(0), ())
    assert not begun.exists()


@pytest.mark.parametrize("half", [b"", b'{"number": 1'])
def test_a_live_generation_whose_manifest_is_damaged_stays_until_another_is_live(
    root: Path, corpus: ModuleType, tmp_path: Path, row: MemoryRow, put: Put, half: bytes
) -> None:
    name = put(60)
    (root / "generations" / name / "manifest.json").write_bytes(half)
    failing = corpus.source((corpus.entry(n) for n in range(61)), while_fetching=lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish(root, failing, lock=_taker(row), run_id="fails", work_directory=tmp_path / "fails")
    assert (root / "generations" / name / "chroma").is_dir()
    put(61)
    _consistent(root, corpus, 61) if not half else None
    assert PublishedIndex(root).live_manifest()
