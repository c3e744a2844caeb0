"""A document as Markdown."""

import re
from textwrap import indent

from ragops.demo.formats.document import Document
from ragops.demo.help_topics import Block, Kind, Style, spans

_SPECIAL = re.compile(r"([\\`*_\[\]<>|])")
_INDENT = "   "  # the column where text after "1. " and after "-  " starts


def to_markdown(document: Document) -> bytes:
    """The document as UTF-8 Markdown: `#` headings, fenced code, pipe tables."""
    parts = [indent(_block(block), _INDENT * _outer(block)) for block in document.blocks]
    return ("\n\n".join(parts) + "\n").encode()


def _outer(block: Block) -> int:
    """The number of list items around the block, not counting itself."""
    if block.kind is Kind.HEADING:
        return 0
    return block.level - 1 if block.kind is Kind.ITEM else block.level


def _block(block: Block) -> str:
    match block.kind:
        case Kind.HEADING:
            return f"{'#' * block.level} {_inline(block.text)}"
        case Kind.TERM:
            return f"**{_inline(block.text.replace('**', ''))}**"
        case Kind.ITEM:
            return f"{_marker(block.marker)}{_inline(block.text)}"
        case Kind.CODE:
            return f"```python\n{block.text}\n```"
        case Kind.TABLE:
            return _table(block.rows)
        case Kind.PARAGRAPH:
            return _inline(block.text)


def _marker(marker: str) -> str:
    if marker == "*":
        return "-  "
    return f"{marker} " if marker[0].isdigit() else f"{_escape(marker)} "


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _table(rows: tuple[tuple[str, ...], ...]) -> str:
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])


def _cell(text: str) -> str:
    # Inside a table a bar ends the cell, even in a code span.
    return re.sub(r"(?<!\\)\|", r"\|", _inline(text))


def _inline(text: str) -> str:
    return "".join(_span(style, span) for style, span in spans(text))


def _span(style: Style, text: str) -> str:
    if style is Style.CODE:
        return f"`{text}`" if "`" not in text else f"`` {text} ``"
    markup = {Style.STRONG: "**", Style.EMPHASIS: "*"}.get(style, "")
    return f"{markup}{_escape(text)}{markup}"
