"""Markdown and plain text."""

import re
from pathlib import Path

import yaml

from ragops.corpus.documents.decoding import decode
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.types import Extract

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


def parse_markdown(path: Path, limits: ParseLimits) -> Extract:
    """Markdown without its YAML front matter, whose `title` is used. Raises Unparsable if the file is not text."""
    decoded = decode(path.read_bytes())
    markdown = decoded.text.replace("\r\n", "\n")
    match = _FRONT_MATTER.match(markdown)
    fields = _fields(match.group(1)) if match else None
    if match is None or fields is None:
        return Extract(markdown, warnings=decoded.warnings)
    title = fields.get("title")
    return Extract(markdown[match.end() :], title=title if isinstance(title, str) else None, warnings=decoded.warnings)


def parse_text(path: Path, limits: ParseLimits) -> Extract:
    """Plain text unchanged, as Markdown without headings. Raises Unparsable if the file is not text."""
    decoded = decode(path.read_bytes())
    return Extract(decoded.text, warnings=decoded.warnings)


def _fields(front_matter: str) -> dict[object, object] | None:
    """The mapping in front matter, or None if it is text between two thematic breaks."""
    try:
        fields = yaml.safe_load(front_matter)
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: an impossible date
        return None
    return fields if isinstance(fields, dict) else None
