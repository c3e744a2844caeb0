"""A document as a Word file."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from ragops.demo.formats.document import WRITTEN, Document
from ragops.demo.help_topics import Block, Kind, Style, spans

if TYPE_CHECKING:
    from docx.document import Document as WordDocument
    from docx.text.paragraph import Paragraph

_STYLES = {Kind.ITEM: "List Bullet", Kind.CODE: "No Spacing"}
_MONOSPACED = "Courier New"


def to_word(document: Document) -> bytes:
    """The document as .docx with Word's own heading, list and table styles.

    Raises:
        ModuleNotFoundError: python-docx is missing (extra `sample`).
    """
    import docx

    word = docx.Document()
    properties = word.core_properties
    properties.title, properties.author, properties.comments = document.title, "", ""
    properties.created = properties.modified = WRITTEN.replace(tzinfo=None)
    for block in document.blocks:
        _add(word, block)
    buffer = io.BytesIO()
    word.save(buffer)
    return without_times(buffer)


def _add(word: WordDocument, block: Block) -> None:
    if block.kind is Kind.HEADING:
        _write(word.add_heading(level=block.level), block.text)
    elif block.kind is Kind.TABLE:
        _add_table(word, block.rows)
    elif block.kind is Kind.CODE:
        word.add_paragraph(style=_STYLES[block.kind]).add_run(block.text).font.name = _MONOSPACED
    elif block.kind is Kind.ITEM and block.marker != "*":
        # Word would number all lists of the file in one sequence, but the text refers to these numbers.
        _write(word.add_paragraph(), f"{block.marker} {block.text}")
    else:
        _write(word.add_paragraph(style=_STYLES.get(block.kind)), block.text, bold=block.kind is Kind.TERM)


def _add_table(word: WordDocument, rows: tuple[tuple[str, ...], ...]) -> None:
    table = word.add_table(rows=0, cols=len(rows[0]), style="Table Grid")
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            _write(cell.paragraphs[0], text)


def _write(paragraph: Paragraph, text: str, *, bold: bool = False) -> None:
    for style, span in spans(text):
        run = paragraph.add_run(span)
        run.bold = bold or style is Style.STRONG or None
        run.italic = style is Style.EMPHASIS or None
        if style is Style.CODE:
            run.font.name = _MONOSPACED


def without_times(archive: io.BytesIO) -> bytes:
    """The same archive with a fixed time for every member; python-docx uses the current time."""
    result = io.BytesIO()
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            member = zipfile.ZipInfo(name, date_time=WRITTEN.timetuple()[:6])
            target.writestr(member, source.read(name), zipfile.ZIP_DEFLATED)
    return result.getvalue()
