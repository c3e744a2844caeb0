"""Source code and configuration: one block of code, named by its file."""

from pathlib import Path

from ragops.corpus.documents.decoding import decode
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.types import Extract


def parse_code(path: Path, limits: ParseLimits) -> Extract:
    """The file as a fenced block with the extension as its language. Raises Unparsable if the file is not text."""
    decoded = decode(path.read_bytes())
    text = decoded.text.replace("\r\n", "\n")
    return Extract(fenced(text, path.suffix.lower().lstrip(".")), title=path.name, warnings=decoded.warnings)


def fenced(text: str, language: str = "") -> str:
    """A block of code; '' without any text."""
    text = text.strip("\n")
    fence = "~~~~" if "```" in text else "```"
    return f"{fence}{language}\n{text}\n{fence}" if text.strip() else ""
