"""Rich Text Format through striprtf, with hidden text taken out before."""

import re
from collections.abc import Callable
from pathlib import Path

from striprtf.striprtf import rtf_to_text

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.types import Extract

# Hidden runs in a group of their own ({\v text}) or between \v and \v0, as Word writes them.
_HIDDEN = re.compile(r"\{(?:\\[a-z]+-?\d*\s?)*?\\v(?![a-z0])[^{}]*\}|\\v(?![a-z0])\d*[^{}]*?(?:\\v0\b|(?=\}))")
_TITLE = re.compile(r"\{\\title ([^{}]*)\}")


def parse_rtf(path: Path, limits: ParseLimits) -> Extract:
    """Paragraphs and rows of tables as text, title from the file's properties."""
    source = path.read_bytes().decode("latin-1")
    text = _text(_HIDDEN.sub("", source))
    title = _TITLE.search(source)
    given = _text("{\\rtf1 " + title[1] + "}") if title else None
    pictures = len(re.findall(r"\\pict\b", source))
    warnings = (f"{pictures:,} pictures: left out",) if pictures else ()
    return Extract(re.sub(r"\n+", "\n\n", text), title=given, warnings=warnings)


def _text(source: str) -> str:
    convert: Callable[..., str] = rtf_to_text  # untyped
    return convert(source, encoding="cp1252", errors="replace")
