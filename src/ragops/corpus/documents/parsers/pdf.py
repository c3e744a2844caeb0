"""PDF through pypdfium2; pages and pictures that show text are read by OCR.

Ours on top of PDFium, which gives characters with positions and nothing else: what is visible (pdf_visible), lines
(pdf_text), values of forms (pdf_forms), paragraphs and headings (pdf_layout). Engines that do more lose more words.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.pdf_forms import fields, put_values
from ragops.corpus.documents.parsers.pdf_layout import Line, Typography, measure, to_markdown, without_running_lines
from ragops.corpus.documents.parsers.pdf_scans import PdfPage, look_for_pictures, recognize_pages
from ragops.corpus.documents.parsers.pdf_text import PageText, in_reading_order
from ragops.corpus.documents.types import Extract, Unparsable

logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it logs that it has no XFA; a warning of ours says more
_FILE_NAME_TITLE = re.compile(r"^(?:untitled.*|.*\.\w{2,4}|microsoft word - .*)$", re.IGNORECASE)


def parse_pdf(path: Path, limits: ParseLimits) -> Extract:
    """Text of each page after a page marker; title from the metadata, unless that is a file name.

    Raises:
        Unparsable: encrypted, too many pages, or pages that OCR cannot read and no other text.
        pypdfium2.PdfiumError: damaged.
    """
    with _open(path) as document:
        if len(document) > limits.max_pages:
            reason = f"too large: {len(document):,} pages, at most {limits.max_pages:,} are allowed"
            raise Unparsable(reason, limit="max_pages")
        if document.get_formtype() != pdfium.FORMTYPE_NONE:
            document.init_forms()
        warnings = list(_left_out(document))
        pages = [_read_page(document, index) for index in range(len(document))]
        warnings += recognize_pages(document, pages, limits)
        title = document.get_metadata_value("Title").strip()
    typography = measure([page.lines for page in pages if not page.is_scan])
    kept = without_running_lines([[] if page.is_scan else page.lines for page in pages], typography)
    texts = [_markdown(page, lines, typography) for page, lines in zip(pages, kept, strict=True)]
    if warnings and not any(texts):
        raise Unparsable(f"empty: {warnings[0]}")
    return Extract(
        "\n\n".join(f"<!-- page: {number} -->\n\n{text}" for number, text in enumerate(texts, 1)),
        title=None if _FILE_NAME_TITLE.match(title) else title,
        pages=len(texts),
        ocr=any(page.read for page in pages),
        warnings=tuple(warnings),
    )


def _open(path: Path) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise Unparsable("encrypted: the file needs a password", type(error).__name__) from error
        raise


def _left_out(document: pypdfium2.PdfDocument) -> Iterator[str]:
    for number in range(document.count_attachments()):
        yield f"attachment {document.get_attachment(number).get_name()} was left out; to read it, save it as a file"
    if document.get_formtype() in (pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND):
        yield "an XFA form: only what is stored as ordinary pages was read"


def _read_page(document: pypdfium2.PdfDocument, index: int) -> PdfPage:
    page = document[index]
    text = PageText(page)
    rows, areas, turn = text.rows(), text.pictures, text.turn
    text.close()
    if seen := fields(document, page):
        pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        page.close()
        page = document[index]
        drawn = PageText(page)
        put_values(rows, drawn, text.count, seen)
        drawn.close()
    found = PdfPage(in_reading_order(rows))
    look_for_pictures(page, found, areas, turn)
    page.close()
    return found


def _markdown(page: PdfPage, lines: Sequence[Line], typography: Typography) -> str:
    if page.is_scan:
        return page.read
    if not page.read:
        return to_markdown(lines, typography)
    below = next((number for number, line in enumerate(lines) if line.baseline < page.rest_from), len(lines))
    parts = to_markdown(lines[:below], typography), page.read, to_markdown(lines[below:], typography)
    return "\n\n".join(part for part in parts if part)
