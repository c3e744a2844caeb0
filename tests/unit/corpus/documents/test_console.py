import io
import json
from datetime import UTC, datetime

import pytest
from rich.console import Console

from ragops.corpus.documents.console import as_json, show_documents
from ragops.corpus.documents.overview import (
    FormatCount,
    Overview,
    Quarantined,
    Selection,
    Warned,
    check_format,
    matches,
)
from ragops.errors import UserError

PDF = FormatCount("pdf", 12, 3_400_000, 88, 2, 1, datetime(2026, 5, 9, 8, 30, tzinfo=UTC))
ALL = Selection()
ODD_NAMES = [
    "[draft] plan.xyz",
    "[slug].tsx",
    "[red]/alarm.bin",
    "[/bold].bin",
    ":smile:.bin",
    "a\x1b[31m\u202eb\n.bin",
]


def shown(overview: Overview, selection: Selection = ALL) -> list[str]:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    show_documents(console, overview, selection)
    return console.file.getvalue().split("\n")  # type: ignore[attr-defined]


def refused(*paths: str, reason: str = "unknown type: extension '.bin'") -> tuple[Quarantined, ...]:
    return tuple(Quarantined(path, reason, 1) for path in paths)


def test_reasons_come_first_the_most_frequent_before_others() -> None:
    quarantine = refused("a.pdf", reason="empty: no text found") + refused("b.bin", "c.bin")
    warned = (Warned("d.pdf", ("page 3: no model for its script",)),)
    assert shown(Overview((PDF,), quarantine, warned)) == [
        "in quarantine: 3 files of 15",
        "",
        "unknown type: extension '.bin' (2 files)",
        "  b.bin",
        "  c.bin",
        "",
        "empty: no text found (1 file)",
        "  a.pdf",
        "",
        "1 part of 1 file could not be read: ragops documents --warnings",
        "",
        "format  documents    MB  pages  with OCR  with warnings  newest          ",
        "pdf            12  3.40     88         2              1  2026-05-09 08:30",
        "",
    ]


def test_names_are_text_and_whole() -> None:
    long = "folder/" * 30 + "name.bin"
    lines = shown(Overview((), refused(*ODD_NAMES, long), ()))
    for name in [*ODD_NAMES[:-1], long, "a[31mb\\n.bin"]:
        assert f"  {name}" in lines


def test_many_names_are_cut_except_for_a_selection() -> None:
    overview = Overview((), refused(*(f"{number:02}.bin" for number in range(30))), ())
    assert "  ... and 10 more: ragops documents --reason '...'" in shown(overview)
    assert len([line for line in shown(overview, Selection(reason="type")) if line.endswith(".bin")]) == 30


def test_warnings_are_listed_when_asked_for() -> None:
    overview = Overview((PDF,), (), (Warned("d[1].docx", ("picture [x]: linked", "header: unreadable")),))
    lines = shown(overview, Selection(warnings=True))
    assert lines[:5] == [
        "nothing in quarantine", "", "2 parts of 1 file could not be read", "  d[1].docx", "    picture [x]: linked"
    ]  # fmt: skip


def test_nothing_selected_is_said() -> None:
    assert shown(Overview((), (), ()), Selection(name="x")) == ["no document matches", ""]


def test_json_holds_everything() -> None:
    overview = Overview((PDF,), refused("[a].bin"), (Warned("d.docx", ("header: unreadable",)),))
    read = json.loads(as_json(overview))
    assert read["quarantine"] == [{"path": "[a].bin", "reason": "unknown type: extension '.bin'", "tries": 1}]
    assert read["formats"][0]["newest"] == "2026-05-09T08:30:00+00:00"
    assert read["warned"] == [{"path": "d.docx", "warnings": ["header: unreadable"]}]


@pytest.mark.parametrize(
    ("name", "path", "selected"),
    [
        ("", "a.pdf", True),
        ("plan", "sub/Annual PLAN.pdf", True),
        ("*.pdf", "sub/a.PDF", True),
        ("a.*", "sub/a.pdf", True),
        ("a.*", "sub/ba.pdf", False),
        ("sub/*", "sub/x/a.pdf", True),
        ("[draft]", "[draft] plan.pdf", True),
        ("[draft]*", "d.pdf", False),
        ("?.pdf", "ab.pdf", False),
    ],
)
def test_names_are_selected_by_a_part_or_a_pattern(name: str, path: str, selected: bool) -> None:
    assert matches(Selection(name=name), path) is selected


def test_an_unknown_format_is_answered_by_those_that_are_known() -> None:
    with pytest.raises(UserError, match=r"--format nope: no such format.*; formats: bmp, code, csv, docx, .*xml$"):
        check_format(Overview((), (), ()), Selection(format="nope"))
    check_format(Overview((), (), ()), Selection(format=".DOCX"))
    check_format(Overview((), refused("a.nope"), ()), Selection(format="nope"))


def test_twenty_bad_files_are_whole_names_below_their_reasons() -> None:
    quarantine = tuple(
        file
        for number in range(10)
        for file in (
            *refused(f"archive/of the year/of the ship/{number}/a long name of a document of the harbour {number}.doc"),
            *refused(f"{number}.pdf", reason=f"too large: {number} MiB"),
        )
    )
    lines = shown(Overview((), quarantine, ()))
    assert lines[0] == "in quarantine: 20 files of 20"
    assert sum(line.endswith(".doc") and len(line) > 80 for line in lines) == 10  # the terminal wraps them, not we
    assert lines[2] == "unknown type: extension '.bin' (10 files)"
