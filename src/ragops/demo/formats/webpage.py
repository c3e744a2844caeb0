"""A document as a page of HTML."""

from collections.abc import Iterator
from html import escape
from itertools import groupby

from ragops.demo.formats.document import Document
from ragops.demo.help_topics import Block, Kind, Style, spans

_TAGS = {Style.CODE: "code", Style.STRONG: "strong", Style.EMPHASIS: "em"}


def to_webpage(document: Document) -> bytes:
    """The document as a UTF-8 page with h1 to h4, p, pre, ul/ol and table elements."""
    body = "\n".join(_body(document.blocks))
    head = f'<head><meta charset="utf-8"><title>{escape(document.title)}</title></head>'
    return f'<!DOCTYPE html>\n<html lang="en">\n{head}\n<body>\n{body}\n</body>\n</html>\n'.encode()


def _body(blocks: list[Block]) -> Iterator[str]:
    """A run of items is one list; blocks inside an item follow the list."""
    for (kind, listed), run in groupby(blocks, key=lambda block: (block.kind, block.marker[:1] == "*")):
        if kind is Kind.ITEM and listed:
            yield "<ul>\n" + "\n".join(f"<li>{_inline(block.text)}</li>" for block in run) + "\n</ul>"
        else:
            yield from (_block(block) for block in run)


def _block(block: Block) -> str:
    match block.kind:
        case Kind.HEADING:
            return f"<h{block.level}>{_inline(block.text)}</h{block.level}>"
        case Kind.CODE:
            return f"<pre>{escape(block.text)}</pre>"
        case Kind.TABLE:
            return _table(block.rows)
        case Kind.TERM:
            return f"<p><strong>{_inline(block.text.replace('**', ''))}</strong></p>"
        case Kind.ITEM:
            return f"<p>{block.marker} {_inline(block.text)}</p>"
        case Kind.PARAGRAPH:
            return f"<p>{_inline(block.text)}</p>"


def _table(rows: tuple[tuple[str, ...], ...]) -> str:
    head, *body = ("".join(f"<{tag}>{_inline(cell)}</{tag}>" for cell in row) for tag, row in _tagged(rows))
    lines = "\n".join(f"<tr>{row}</tr>" for row in body)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>"


def _tagged(rows: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for index, row in enumerate(rows):
        yield ("td" if index else "th"), row


def _inline(text: str) -> str:
    return "".join(_span(style, escape(span)) for style, span in spans(text))


def _span(style: Style, text: str) -> str:
    tag = _TAGS.get(style)
    return f"<{tag}>{text}</{tag}>" if tag else text
