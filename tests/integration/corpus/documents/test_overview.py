"""`ragops documents` on a folder with 20 bad files, as a table of a schema holds them."""

import io
from pathlib import Path

from rich.console import Console

from ragops.corpus.documents.console import show_documents
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.overview import Selection, read_overview
from ragops.corpus.documents.stage import refresh_documents
from ragops.platform.workspace import Workspace

BAD = {
    **dict.fromkeys(("[draft] plan.xyz", "[slug].tsx2", "[red]/alarm.bin", "[/bold].bin", "a.exe", "b.exe"), b"MZ\x90"),
    **dict.fromkeys(("empty.md", "empty.txt", "sub/empty.html"), b""),
    "blank.md": b" \n\n",
    "script.html": b"<script>x</script>",
    **dict.fromkeys(("cut.pdf", "cut2.pdf", "noise.pdf"), b"%PDF-1.7\n" + bytes(range(256))),
    **dict.fromkeys(("cut.docx", "cut.pptx", "cut.xlsx"), b"PK\x03\x04" + bytes(range(256))),
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "program.txt": bytes(range(256)) * 9,
    ("a folder with a long name, as people give them/" * 3) + "report, final version (2).doc": b"x",
}


def test_20_bad_files_are_listed_by_reason_with_whole_names(workspace: Workspace, tmp_path: Path) -> None:
    for name, content in BAD.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "good.md").write_text("# Good\n\nThe harbour opens at six.\n")
    (tmp_path / "part.txt").write_bytes(("Größe, für Prüfung, öffnet, Überdruck. " * 3).encode() + b"\x96 ok")
    refresh_documents(workspace, tmp_path, ParseLimits())
    lines = _shown(workspace, Selection())
    assert len(BAD) == 20
    assert lines[0] == "in quarantine: 20 files of 22"
    for name in BAD:
        assert f"  {name}" in lines, lines
    assert "1 part of 1 file could not be read: ragops documents --warnings" in lines
    assert _shown(workspace, Selection(reason="no bytes"))[-4:-1] == ["  empty.md", "  empty.txt", "  sub/empty.html"]
    assert "  b.exe" in _shown(workspace, Selection(name="*.exe", format="exe"))
    assert "    1 character not valid in utf-8, shown as \ufffd" in _shown(workspace, Selection(warnings=True))
    assert [count.format for count in read_overview(workspace, Selection(format="md")).formats] == ["md"]


def _shown(workspace: Workspace, selection: Selection) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    show_documents(console, read_overview(workspace, selection), selection)
    return console.file.getvalue().split("\n")  # type: ignore[attr-defined]
