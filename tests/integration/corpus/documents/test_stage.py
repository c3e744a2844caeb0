"""With any file in the landing folder, the stage continues and reports what it could not read."""

import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from fpdf import FPDF

from ragops.corpus.documents import landing as landing_module
from ragops.corpus.documents import stage
from ragops.corpus.documents.landing import LandingFile, list_files
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.reading import FILES, Reader, Row, as_row
from ragops.corpus.documents.sandbox import ParserPool
from ragops.corpus.documents.stage import refresh_documents
from ragops.corpus.documents.table import DOCUMENTS
from ragops.corpus.documents.types import MEMORY_HERE, Failure, ParsedDocument
from ragops.errors import UserError
from ragops.platform.merge import StageReport
from ragops.platform.slices import map_rows
from ragops.platform.workspace import Workspace

LIMITS = ParseLimits(timeout_s=20, max_bytes=100 * 2**20)


def hostile_files(folder: Path) -> dict[str, str]:
    """Writes one file of each kind; returns the words that its reason must contain."""
    (folder / "corrupt.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)))
    locked = FPDF()
    locked.add_page()
    locked.set_encryption(owner_password="owner", user_password="user")
    locked.output(str(folder / "encrypted.pdf"))
    (folder / "empty.md").touch()
    with (folder / "huge.txt").open("wb") as huge:
        huge.truncate(200 * 2**20)
    with zipfile.ZipFile(folder / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("[Content_Types].xml", "<Types/>")
        bomb.writestr("word/document.xml", b" " * (600 * 2**20))
    (folder / "really.docx").write_bytes((folder / "corrupt.pdf").read_bytes())
    (folder / "latin.txt").write_bytes(os.urandom(4096))
    return {
        "corrupt.pdf": "",
        "encrypted.pdf": "encrypted",
        "empty.md": "empty",
        "huge.txt": "MiB",
        "bomb.docx": "unpack",
        "really.docx": "pdf",
        "latin.txt": "",
    }


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.md").write_text(f"# Note {number}\n\nNothing but the number {number}.\n")
    return folder


def refresh(workspace: Workspace, landing: Path, fraction: float = 0.2) -> StageReport:
    return refresh_documents(workspace, landing, LIMITS, fraction)


def test_hostile_files_are_quarantined_and_others_parsed(workspace: Workspace, landing: Path) -> None:
    wanted = hostile_files(landing)
    report = refresh(workspace, landing)
    assert (report.read, report.added, report.failed) == (8 + len(wanted), 8 + len(wanted), len(wanted))
    rows = workspace.spark.sql(f"SELECT path, reason, exception_type FROM {workspace.table('quarantine')}").collect()
    assert {row["path"] for row in rows} == wanted.keys()
    for row in rows:
        assert wanted[row["path"]] in row["reason"], row
        assert row["exception_type"]
    assert refresh(workspace, landing).added == 0

    (landing / "empty.md").write_text("# Not empty any more\n\nSo it is read again.\n")
    fixed = refresh(workspace, landing)
    assert (fixed.added, fixed.changed, fixed.failed) == (0, 1, len(wanted) - 1)


def test_a_touched_file_is_not_read_again(workspace: Workspace, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh(workspace, landing)
    before = {row["doc_id"]: (row["doc_hash"], row["ingested_at"]) for row in DOCUMENTS.read(workspace).collect()}
    os.utime(landing / "0.md", (1, 1))
    monkeypatch.setattr(Reader, "read", lambda *_: pytest.fail("it was parsed"))
    assert refresh(workspace, landing).changed == 1
    rows = {row["doc_id"]: (row["doc_hash"], row["ingested_at"]) for row in DOCUMENTS.read(workspace).collect()}
    assert rows == before
    assert refresh(workspace, landing).idle


def test_contents_are_compared_when_that_is_due(
    workspace: Workspace, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a volume, which shows no ctime, an edit may keep size and time: `rsync -t`, unzip, reproducible builds."""
    monkeypatch.setattr(landing_module, "_VOLUMES", str(landing.parent))
    refresh(workspace, landing)
    before = (landing / "0.md").stat()
    (landing / "0.md").write_text("# Note 0\n\nNothing but the number 9.\n")
    os.utime(landing / "0.md", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert refresh(workspace, landing).idle
    assert refresh_documents(workspace, landing, LIMITS, compare_content_days=0).changed == 1
    assert "number 9" in texts(workspace)["0.md"]
    assert refresh_documents(workspace, landing, LIMITS, compare_content_days=0).idle


def test_too_many_deletions_at_once_are_refused(workspace: Workspace, landing: Path) -> None:
    refresh(workspace, landing)
    (landing / "0.md").unlink()
    assert refresh(workspace, landing).deleted == 1
    for number in (1, 2, 3):
        (landing / f"{number}.md").unlink()
    with pytest.raises(UserError, match="3 of 7 documents are missing"):
        refresh(workspace, landing)
    assert DOCUMENTS.read(workspace).count() == 7
    assert refresh(workspace, landing, fraction=1.0).deleted == 3


def test_a_missing_folder_stops_before_any_delete(workspace: Workspace, landing: Path, tmp_path: Path) -> None:
    refresh(workspace, landing)
    with pytest.raises(UserError, match="no folder"):
        refresh(workspace, tmp_path / "unmounted", fraction=1.0)
    assert DOCUMENTS.read(workspace).count() == 8


def texts(workspace: Workspace) -> dict[str, str]:
    return {row["path"]: row["markdown"] for row in DOCUMENTS.read(workspace).collect()}


def while_reading(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Something changes between listing and reading; so few files are read in this process."""
    read = Reader.read

    def act_and_read(self: Reader, files: Iterable[LandingFile], at_once: int) -> Iterator[Row | None]:
        act()
        yield from read(self, files, at_once)

    monkeypatch.setattr(Reader, "read", act_and_read)


def test_files_removed_or_changed_before_reading_are_read_by_the_next_run(
    workspace: Workspace, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(workspace, landing)
    for number in (0, 1, 2):
        (landing / f"{number}.md").write_text(f"# Note {number}\n\nThe second edition of it.\n")

    def act() -> None:
        (landing / "0.md").unlink()
        (landing / "1.md").write_text("# Note 1\n\nThe third edition of it, which is longer.\n")

    while_reading(monkeypatch, act)
    report = refresh(workspace, landing)
    assert (report.changed, report.deleted, report.failed) == (1, 0, 0)
    assert report.note.startswith("2 files changed or disappeared")
    assert report.note.endswith("(0.md, ...): the next run reads them")
    found = texts(workspace)
    assert "number 0" in found["0.md"] and "number 1" in found["1.md"] and "second" in found["2.md"]

    monkeypatch.undo()
    report = refresh(workspace, landing)
    assert (report.changed, report.deleted, report.note) == (1, 1, "")
    assert "third" in texts(workspace)["1.md"]


def test_a_file_removed_before_its_first_reading_is_not_an_error(
    workspace: Workspace, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    while_reading(monkeypatch, lambda: [file.unlink() for file in landing.iterdir()])
    report = refresh(workspace, landing)
    assert (report.added, report.failed) == (0, 0)
    assert "8 files" in report.note


def test_sparks_workers_skip_files_that_changed_since_listing(workspace: Workspace, landing: Path) -> None:
    """In Spark's worker processes, as with many files."""
    listed = list(list_files(landing))
    gone = [LandingFile(f"gone/{number}.md", 1, datetime(2024, 1, 1, tzinfo=UTC)) for number in range(40)]
    files = workspace.spark.createDataFrame([as_row(file) for file in [*gone, *listed]], FILES)
    reader = Reader(landing, LIMITS, 2**34)
    rows = map_rows(files, len(listed) + len(gone), reader.parse_batches, DOCUMENTS).select("path", "reason").collect()
    assert sorted(rows) == [(file.path, None) for file in listed]


def test_a_root_removed_during_listing_deletes_nothing(
    workspace: Workspace, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(workspace, landing)

    def list_and_unmount(root: Path) -> Iterator[LandingFile]:
        yield from islice(list_files(root), 3)
        root.rename(root.with_name("elsewhere"))

    monkeypatch.setattr(stage, "list_files", list_and_unmount)
    with pytest.raises(UserError, match="no folder"):
        refresh(workspace, landing, fraction=1.0)
    assert DOCUMENTS.read(workspace).count() == 8


@pytest.mark.parametrize("year", [1601, 1969, 2300])
def test_a_file_with_an_impossible_time_is_parsed(workspace: Workspace, landing: Path, year: int) -> None:
    seconds = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    os.utime(landing / "0.md", (seconds, seconds))
    assert refresh(workspace, landing).added == 8
    assert refresh(workspace, landing).idle


def test_an_edit_that_keeps_size_and_time_is_read(workspace: Workspace, landing: Path) -> None:
    refresh(workspace, landing)
    before = (landing / "0.md").stat()
    (landing / "0.md").write_text("# Note 0\n\nNothing but the number 9.\n")
    os.utime(landing / "0.md", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert refresh(workspace, landing).changed == 1
    assert "number 9" in texts(workspace)["0.md"]
    assert refresh(workspace, landing).idle


def test_a_table_of_an_earlier_version_is_not_parsed_again(workspace: Workspace, landing: Path) -> None:
    refresh(workspace, landing)
    workspace.spark.sql(f"UPDATE {workspace.table('documents')} SET changed_us = NULL")
    assert refresh(workspace, landing).idle


def test_a_file_refused_by_a_limit_is_tried_again_when_it_is_raised(workspace: Workspace, landing: Path) -> None:
    (landing / "long.md").write_text("# Long\n\n" + "Many words of text. " * 500)
    small = replace(LIMITS, max_characters=5_000)
    assert refresh_documents(workspace, landing, small).failed == 1
    assert refresh_documents(workspace, landing, small).changed == 0
    assert refresh_documents(workspace, landing, replace(small, max_characters=4_000)).changed == 0
    raised = refresh_documents(workspace, landing, LIMITS)
    assert (raised.changed, raised.failed) == (1, 0)


BY_CHANCE = [
    Failure("needs more than 700 MiB of memory", "MemoryError", "markdown", MEMORY_HERE),
    Failure("took longer than 20 s", "TimeoutError", "markdown", "timeout_s"),
    Failure("parser died: exit code 7", "ProcessExpired", "markdown"),
]


def fail(monkeypatch: pytest.MonkeyPatch, met: Failure) -> None:
    parse = ParserPool.parse

    def parse_or_fail(self: ParserPool, path: Path) -> ParsedDocument | Failure:
        return met if path.name == "big.md" else parse(self, path)

    monkeypatch.setattr(ParserPool, "parse", parse_or_fail)


@pytest.mark.parametrize("met", BY_CHANCE, ids=lambda met: met.exception_type)
def test_a_parser_that_failed_by_chance_is_tried_again_by_the_next_runs(
    met: Failure, workspace: Workspace, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (landing / "big.md").write_text("# Big\n\nA text that is small enough elsewhere.\n")
    fail(monkeypatch, met)
    assert refresh(workspace, landing).note.endswith("(1 of them are tried again by the next run)")
    monkeypatch.undo()
    report = refresh(workspace, landing)
    assert (report.changed, report.failed, report.note) == (1, 0, "")
    assert refresh(workspace, landing).idle


def test_a_file_refused_for_memory_is_tried_again_on_another_machine(
    workspace: Workspace, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (landing / "big.md").write_text("# Big\n\nA text that is small enough elsewhere.\n")
    fail(monkeypatch, BY_CHANCE[0])
    assert [refresh(workspace, landing).changed for _ in range(4)] == [0, 1, 1, 0]  # added, and two more tries
    assert refresh(workspace, landing).note == "1 in quarantine: see ragops documents"
    monkeypatch.undo()
    monkeypatch.setattr(stage, "available_memory", lambda: 64 * 2**30)
    moved = refresh(workspace, landing)
    assert (moved.changed, moved.failed) == (1, 0)
