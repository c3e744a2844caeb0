"""PDF through pypdfium2; pages that are images go through OCR."""

import ctypes
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.pdf_layout import Line, measure, to_markdown, without_running_lines
from ragops.corpus.documents.types import Extract, Unparsable

_FEW_LETTERS = 20  # a stamp or a page number over a scan
_OCR_DPI = 200  # at 150 RapidOCR misses half of the spaces in 11 point type
_OCR_SIDE = 2_400  # pixels
_FIXED_PITCH = 1  # bit of a font descriptor's flags, PDF 32000-1 table 123
_FIXED_PITCH_NAME = re.compile(rb"courier|mono(?!type)|consolas|menlo|typewriter|cmtt", re.IGNORECASE)
_NAME_BYTES = 128
_FILE_NAME_TITLE = re.compile(r"^(?:untitled.*|.*\.\w{2,4}|microsoft word - .*)$", re.IGNORECASE)


def parse_pdf(path: Path, limits: ParseLimits) -> Extract:
    """Text of each page after a page marker; title from the metadata, unless that is a file name.

    Raises:
        Unparsable: encrypted, or too many pages.
        pypdfium2.PdfiumError: damaged.
    """
    with _open(path) as document:
        if len(document) > limits.max_pages:
            reason = f"too large: {len(document):,} pages, at most {limits.max_pages:,} are allowed"
            raise Unparsable(reason, limit="max_pages")
        pages, recognized = _read_pages(document, limits)
        title = document.get_metadata_value("Title").strip()
    typography = measure(pages)
    pages = without_running_lines(pages, typography)
    texts = [recognized.get(index) or to_markdown(lines, typography) for index, lines in enumerate(pages)]
    return Extract(
        "\n\n".join(f"<!-- page: {number} -->\n\n{text}" for number, text in enumerate(texts, 1)),
        title=None if _FILE_NAME_TITLE.match(title) else title,
        pages=len(texts),
        ocr=any(recognized.values()),
    )


def _open(path: Path) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise Unparsable("encrypted: the file needs a password", type(error).__name__) from error
        raise


def _read_pages(document: pypdfium2.PdfDocument, limits: ParseLimits) -> tuple[list[list[Line]], dict[int, str]]:
    """Lines of each page, and by index the text of pages that are images."""
    pages, scanned = [], []
    for index, page in _pages(document, range(len(document))):
        pages.append(_page_lines(page))
        if _is_image(page, pages[-1]):
            scanned.append(index)
    if len(scanned) > limits.max_ocr_pages:
        reason = f"too large: {len(scanned):,} pages are images, at most {limits.max_ocr_pages:,} are allowed"
        raise Unparsable(reason, limit="max_ocr_pages")
    return pages, {index: _recognize(page, limits) for index, page in _pages(document, scanned)}


def _pages(document: pypdfium2.PdfDocument, indices: Iterable[int]) -> Iterator[tuple[int, pypdfium2.PdfPage]]:
    for index in indices:
        page = document[index]
        yield index, page
        page.close()


def _page_lines(page: pypdfium2.PdfPage) -> list[Line]:
    textpage = page.get_textpage()
    lines = list(_lines(textpage))
    textpage.close()
    return lines


def _is_image(page: pypdfium2.PdfPage, lines: Sequence[Line]) -> bool:
    """Whether a page has few letters and an image, or no letters and any drawing (letters may be drawn as curves)."""
    letters = sum(character.isalnum() for line in lines for character in line.text)
    wanted = [pdfium.FPDF_PAGEOBJ_IMAGE] if letters else None
    return letters < _FEW_LETTERS and any(True for _ in page.get_objects(filter=wanted, max_depth=3))


def _recognize(page: pypdfium2.PdfPage, limits: ParseLimits) -> str:
    from ragops.corpus.documents.parsers.image import recognize

    scale = min(_OCR_DPI / 72, _OCR_SIDE / max(page.get_size()))
    bitmap = page.render(scale=scale, force_bitmap_format=pdfium.FPDFBitmap_BGR)
    return recognize(bitmap.to_numpy().copy(), limits)


def _lines(textpage: pypdfium2.PdfTextPage) -> Iterator[Line]:
    """Lines in PDFium's order, which ends each with a carriage return and a line feed."""
    start = 0
    characters = _characters(textpage)
    for end in [*(index for index, character in enumerate(characters) if character == "\n"), len(characters)]:
        shown = [index for index in range(start, end) if not characters[index].isspace()]
        if shown:
            text = " ".join("".join(characters[start:end]).split())
            yield _measured(textpage, text, shown)
        start = end + 1


def _characters(textpage: pypdfium2.PdfTextPage) -> list[str]:
    """A string for each of PDFium's character indices, empty if the glyph has no Unicode value."""
    codes = (pdfium.FPDFText_GetUnicode(textpage, index) for index in range(textpage.count_chars()))
    return [chr(code) if code <= 0x10FFFF else "" for code in codes]


def _measured(textpage: pypdfium2.PdfTextPage, text: str, shown: list[int]) -> Line:
    first, last = shown[0], shown[-1]
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(textpage, first, x, y)
    box = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(textpage, last, box)
    return Line(
        text=text,
        left=x.value,
        right=box.right,
        baseline=y.value,
        size=_size(textpage, first),
        fixed_pitch=all(_is_fixed_pitch(textpage, index) for index in (first, shown[len(shown) // 2], last)),
    )


def _size(textpage: pypdfium2.PdfTextPage, index: int) -> float:
    """Visible size in points: many PDF writers set type of size 1 and scale it."""
    matrix = pdfium.FS_MATRIX()
    size: float = pdfium.FPDFText_GetFontSize(textpage, index)
    if pdfium.FPDFText_GetMatrix(textpage, index, matrix):
        return size * math.hypot(matrix.c, matrix.d)
    return size


def _is_fixed_pitch(textpage: pypdfium2.PdfTextPage, index: int) -> bool:
    """By the font's flags or its name: the built-in Courier has no flags."""
    flags, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_BYTES)
    pdfium.FPDFText_GetFontInfo(textpage, index, name, _NAME_BYTES, flags)
    return bool(flags.value & _FIXED_PITCH) or bool(_FIXED_PITCH_NAME.search(name.value))
