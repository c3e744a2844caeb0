"""Rich Text Format through striprtf, with hidden text taken out before."""

import re
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from striprtf.striprtf import rtf_to_text

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.tables import markdown_table
from ragops.corpus.documents.types import Extract

# Hidden runs in a group of their own ({\v text}) or between \v and \v0, as Word writes them.
_HIDDEN = re.compile(
    r"\{(?:\\[a-z]+-?\d*\s?)*?\\(?:v|deleted)(?![a-z0])[^{}]*\}|\\v(?![a-z0])\d*[^{}]*?(?:\\v0\b|(?=\}))"
)
_LINE = "\ue000"  # a line end within a table
_NOTE = re.compile(r"\{\\footnote\b")
_TITLE = re.compile(r"\{\\title ([^{}]*)\}")


def parse_rtf(path: Path, limits: ParseLimits) -> Extract:
    """Paragraphs and rows of tables as text, title from the file's properties."""
    source = path.read_bytes().decode("latin-1")
    text = _with_tables(_text(_NOTE.sub(r"{\\par ", _HIDDEN.sub("", source))))
    title = _TITLE.search(source)
    given = _text("{\\rtf1 " + title[1] + "}") if title else None
    pictures = len(re.findall(r"\\pict\b", source))
    warnings = (f"{pictures:,} pictures: left out",) if pictures else ()
    return Extract(re.sub(r"\n+", "\n\n", text).replace(_LINE, "\n"), title=given, warnings=warnings)


def _with_tables(text: str) -> str:
    """Rows, which striprtf writes with a bar after each cell, as tables."""
    parts: list[str] = []
    for is_row, group in groupby(text.split("\n"), lambda line: line.endswith("|")):
        lines = list(group)
        rows = [line.removesuffix("|").split("|") for line in lines]
        parts += [f"\n{markdown_table(rows)}\n".replace("\n", _LINE)] if is_row and len(rows) > 1 else lines
    return "\n".join(parts)


def _text(source: str) -> str:
    convert: Callable[..., str] = rtf_to_text  # untyped
    return convert(source, encoding="cp1252", errors="replace")
