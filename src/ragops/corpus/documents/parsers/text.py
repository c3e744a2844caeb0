"""Markdown and plain text."""

import re
from pathlib import Path

import yaml
import yamlcore

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
    return Extract(markdown[match.end() :], title=_title(fields), warnings=decoded.warnings)


def parse_text(path: Path, limits: ParseLimits) -> Extract:
    """Plain text unchanged, as Markdown without headings. Raises Unparsable if the file is not text."""
    decoded = decode(path.read_bytes())
    return Extract(decoded.text, warnings=decoded.warnings)


def _fields(front_matter: str) -> yaml.MappingNode | None:
    """The mapping in front matter (YAML 1.2), or None if it is text between two thematic breaks."""
    try:
        fields = yaml.compose(front_matter, yamlcore.CCoreLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return fields if isinstance(fields, yaml.MappingNode) else None


def _title(fields: yaml.MappingNode) -> str | None:
    """The title as written, also where YAML takes it for a number or a truth value: 1984, 010, true."""
    for name, value in fields.value:
        if name.value == "title" and isinstance(value, yaml.ScalarNode) and not value.tag.endswith(":null"):
            return str(value.value) or None
    return None
