"""Terminal output of `ragops documents`: the quarantine by reason, warnings, and counts by format.

Names and reasons come from files that anybody may have put there, so they are printed as text, never as markup.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ragops.corpus.documents.overview import FormatCount, Overview, Quarantined, Selection, Warned
from ragops.platform.console import plain_text

SHOWN_NAMES = 20
"""Names listed for each reason; a selection lists all of its files."""


def show_documents(console: Console, overview: Overview, selection: Selection) -> None:
    """Prints reasons with the names of their files, warnings, and a table of formats."""
    most = None if selection.narrows else SHOWN_NAMES
    if selection.narrows and not overview.files:
        _print(console, "no document matches")
        return
    _show_quarantine(console, overview, most)
    _show_warnings(console, overview.warned, listed=selection.narrows)
    if overview.formats:
        _print(console, "")
        console.print(_table(overview.formats))


def as_json(overview: Overview) -> str:
    """The overview as JSON, with times in ISO 8601."""
    return json.dumps(asdict(overview), default=lambda time: time.isoformat(), ensure_ascii=False, indent=2)


def _show_quarantine(console: Console, overview: Overview, most: int | None) -> None:
    if not overview.quarantine:
        _print(console, "nothing in quarantine")
        return
    _print(console, f"in quarantine: {_files(len(overview.quarantine))} of {overview.files:,}")
    by_reason: dict[str, list[Quarantined]] = defaultdict(list)
    for file in overview.quarantine:
        by_reason[file.reason].append(file)
    for reason, files in sorted(by_reason.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        _print(console, f"\n{_one_line(reason)} ({_files(len(files))})")
        _names(console, (file.path for file in files[:most]))
        if len(files) > len(files[:most]):
            _print(console, f"  ... and {len(files) - len(files[:most]):,} more: ragops documents --reason '...'")


def _show_warnings(console: Console, warned: Sequence[Warned], *, listed: bool) -> None:
    if not warned:
        return
    sentences = sum(len(document.warnings) for document in warned)
    parts = "1 part" if sentences == 1 else f"{sentences:,} parts"
    more = "" if listed else ": ragops documents --warnings"
    _print(console, f"\n{parts} of {_files(len(warned))} could not be read{more}")
    for document in warned if listed else ():
        _names(console, [document.path])
        for sentence in document.warnings:
            _print(console, f"    {_one_line(sentence)}")


def _table(formats: Iterable[FormatCount]) -> Table:
    grid = Table("format", box=None, pad_edge=False)
    for name in ("documents", "MB", "pages", "with OCR", "with warnings"):
        grid.add_column(name, justify="right")
    grid.add_column("newest")
    for count in formats:
        grid.add_row(
            Text(count.format),
            f"{count.documents:,}",
            f"{count.size_bytes / 1e6:.2f}",
            "-" if count.pages is None else f"{count.pages:,}",
            f"{count.ocr:,}",
            f"{count.warned:,}",
            f"{count.newest:%Y-%m-%d %H:%M}",
        )
    return grid


def _names(console: Console, paths: Iterable[str]) -> None:
    for path in paths:
        _print(console, f"  {_one_line(path)}")


def _one_line(text: str) -> str:
    return plain_text(text.replace("\n", "\\n").replace("\t", "\\t"))


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"


def _print(console: Console, line: str) -> None:
    """Prints a line whole, however long it is."""
    console.print(Text(line), soft_wrap=True)
