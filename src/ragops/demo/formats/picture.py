"""A document as a picture of a page, like a scan: its text can be read by OCR only."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING

from ragops.demo.formats.document import Document
from ragops.demo.help_topics import Block, Kind, without_emphasis

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_WIDTH, _HEIGHT, _MARGIN = 1240, 1754, 110  # pixels: A4 at 150 dots an inch
_TEXT_SIZE, _TITLE_SIZE = 30, 46  # pixels
_COLUMNS = 62  # characters in a line
_LEADING = 1.5


def to_picture(document: Document) -> bytes:
    """One page as PNG, black on white.

    Raises:
        ModuleNotFoundError: Pillow is missing.
        ValueError: the text is longer than a page.
    """
    from PIL import Image, ImageDraw

    page = Image.new("L", (_WIDTH, _HEIGHT), color=255)
    pen = ImageDraw.Draw(page)
    top = float(_MARGIN)
    for block in document.blocks:
        size = _TITLE_SIZE if block.kind is Kind.HEADING else _TEXT_SIZE
        for line in _lines(block):
            pen.text((_MARGIN, top), line, fill=0, font=_font(size))
            top += size * _LEADING
        top += size * _LEADING / 2
    if top > _HEIGHT - _MARGIN:
        raise ValueError(f"“{document.title}” does not fit on one page")
    buffer = io.BytesIO()
    page.save(buffer, format="PNG")
    return buffer.getvalue()


def _font(size: int) -> FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise ModuleNotFoundError("Pillow was built without FreeType, so it has no scalable font")
    return font


def _lines(block: Block) -> list[str]:
    if block.kind is Kind.CODE:
        return block.text.splitlines()
    # Pillow's built-in font has no curly quotes.
    return textwrap.wrap(without_emphasis(block.text).translate(str.maketrans("‘’“”—", "''\"\"-")), _COLUMNS)
