"""A document as a PDF with real text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragops.demo.formats.document import WRITTEN, Document
from ragops.demo.help_topics import Block, Kind, without_emphasis

if TYPE_CHECKING:
    from fpdf import FPDF

_TEXT_SIZE, _CODE_SIZE, _HEADING_SIZES = 10.5, 9, (20, 15, 13, 11.5)  # points
_INDENT = 7  # millimetres a list level
_LEADING = 1.3  # line height as a multiple of the type's size
_MM_PER_POINT = 25.4 / 72
_NARROWEST_COLUMN = 10  # characters


def to_pdf(document: Document) -> bytes:
    """The document as A4 pages in PDF's built-in fonts, with larger type for headings.

    Raises:
        ModuleNotFoundError: fpdf2 is missing (extra `sample`).
        FPDFUnicodeEncodingException: the text has a character outside Windows-1252.
    """
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.core_fonts_encoding = "windows-1252"  # the built-in fonts have curly quotes and dashes, latin-1 does not
    pdf.creation_date = WRITTEN
    pdf.set_title(document.title)
    pdf.set_auto_page_break(auto=True, margin=20)
    pdf.add_page()
    for block in document.blocks:
        _write(pdf, block)
    return bytes(pdf.output())


def _write(pdf: FPDF, block: Block) -> None:
    if block.kind is Kind.HEADING:
        _print(pdf, without_emphasis(block.text), _HEADING_SIZES[block.level - 1], style="B")
    elif block.kind is Kind.TERM:
        _print(pdf, without_emphasis(block.text), _TEXT_SIZE, style="B", level=block.level)
    elif block.kind is Kind.CODE:
        _print(pdf, block.text, _CODE_SIZE, family="courier", level=block.level)
    elif block.kind is Kind.ITEM:
        marker = "•" if block.marker == "*" else block.marker
        _print(pdf, f"{marker} {without_emphasis(block.text)}", _TEXT_SIZE, level=block.level)
    elif block.kind is Kind.TABLE:
        _print_table(pdf, block.rows)
    else:
        _print(pdf, without_emphasis(block.text), _TEXT_SIZE, level=block.level)


def _print(pdf: FPDF, text: str, size: float, *, family: str = "helvetica", style: str = "", level: int = 0) -> None:
    height = size * _LEADING * _MM_PER_POINT
    pdf.set_font(family, style="B" if style else "", size=size)
    pdf.set_x(pdf.l_margin + level * _INDENT)
    pdf.multi_cell(0, height, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(height / 2)


def _print_table(pdf: FPDF, rows: tuple[tuple[str, ...], ...]) -> None:
    pdf.set_font("helvetica", size=_CODE_SIZE)
    cells = [[without_emphasis(cell) for cell in row] for row in rows]
    widths = tuple(
        max(_NARROWEST_COLUMN, *(len(cell) for cell in column)) ** 0.5 for column in zip(*cells, strict=True)
    )
    with pdf.table(col_widths=widths, text_align="LEFT", line_height=_CODE_SIZE * _LEADING * _MM_PER_POINT) as table:
        for row in cells:
            table.row(row)
    pdf.ln(_CODE_SIZE * _MM_PER_POINT)
