"""Whatever lies in the landing folder, the stage goes on, and says what it could not read."""

import os
import zipfile
from pathlib import Path

import pytest
from fpdf import FPDF

from ragops.documents.limits import ParseLimits
from ragops.documents.stage import DOCUMENTS, refresh_documents
from ragops.errors import UserError
from ragops.tables import StageReport
from ragops.workspace import Workspace

LIMITS = ParseLimits(timeout_s=20, max_bytes=100 * 2**20)


def hostile_files(folder: Path) -> dict[str, str]:
    """Writes one file of each kind; returns what the reason must say."""
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


def test_hostile_files_are_quarantined_and_the_rest_goes_on(workspace: Workspace, landing: Path) -> None:
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
    mended = refresh(workspace, landing)
    assert (mended.added, mended.changed, mended.failed) == (0, 1, len(wanted) - 1)


def test_a_touched_file_is_no_new_version(workspace: Workspace, landing: Path) -> None:
    refresh(workspace, landing)
    before = {row["doc_id"]: row["doc_hash"] for row in DOCUMENTS.read(workspace).collect()}
    os.utime(landing / "0.md", (1, 1))
    assert refresh(workspace, landing).changed == 1
    assert {row["doc_id"]: row["doc_hash"] for row in DOCUMENTS.read(workspace).collect()} == before


def test_the_brake_on_deletions(workspace: Workspace, landing: Path) -> None:
    refresh(workspace, landing)
    (landing / "0.md").unlink()
    assert refresh(workspace, landing).deleted == 1
    for number in (1, 2, 3):
        (landing / f"{number}.md").unlink()
    with pytest.raises(UserError, match="3 of 7 documents are gone"):
        refresh(workspace, landing)
    assert DOCUMENTS.read(workspace).count() == 7
    assert refresh(workspace, landing, fraction=1.0).deleted == 3


def test_a_missing_folder_stops_before_any_delete(workspace: Workspace, landing: Path, tmp_path: Path) -> None:
    refresh(workspace, landing)
    with pytest.raises(UserError, match="no folder"):
        refresh(workspace, tmp_path / "unmounted", fraction=1.0)
    assert DOCUMENTS.read(workspace).count() == 8
