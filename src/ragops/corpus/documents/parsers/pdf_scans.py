"""Pages of a PDF that are pictures, and pictures on other pages that show text: both are read by OCR."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.pdf_layout import Line
from ragops.corpus.documents.parsers.pdf_visible import Area
from ragops.corpus.documents.types import Unparsable

_FEW_LETTERS = 20  # a page number over a scan
_STAMP_LETTERS = 80  # a stamp over a scan that covers the page
_WHOLE_PAGE = 0.8
_LARGE_PICTURE = 0.1  # of the page
_CELLS = 24  # of the grid in which the covered share of a page is counted
_OCR_DPI = 200  # at 150 spaces are missed in 11 point type
_OCR_SIDE = 2_400  # pixels
_LOOK_SCALE = 1.0  # pixels a point, to tell a picture of text from a photograph
_PAPER = 0.5  # share of pixels near the most common brightness, in pictures of text
_INK = (0.005, 0.35)  # share of pixels far from it


@dataclass
class PdfPage:
    """A page that is being read."""

    lines: list[Line]
    is_scan: bool = False
    pictures: list[Area] = field(default_factory=list)
    """Those that show text, where the page is not a scan."""
    read: str = ""
    """What OCR has read of the page or its pictures."""
    rest_from: float = 0.0
    """Baseline below which lines follow what was read in pictures."""

    @property
    def needs_ocr(self) -> bool:
        """Whether the page or a part of it is a picture of text."""
        return self.is_scan or bool(self.pictures)


def look_for_pictures(page: pypdfium2.PdfPage, found: PdfPage, areas: Sequence[Area], turn: int) -> None:
    """Sets whether the page is a scan, or which of its pictures, in `areas`, show text."""
    letters = 0
    for line in found.lines:
        letters += sum(map(str.isalnum, line.text))
        if letters >= _STAMP_LETTERS:
            break
    box: Area = page.get_bbox()
    areas = [_clipped(area, box) for area in areas]
    if not letters:  # letters may be drawn as curves
        found.is_scan = pdfium.FPDFPage_CountObjects(page) > 0
    elif letters < _STAMP_LETTERS:
        found.is_scan = bool(areas) and (letters < _FEW_LETTERS or _covered(areas, box) >= _WHOLE_PAGE)
    if found.is_scan:
        return
    large = [area for area in areas if _size(area) >= _LARGE_PICTURE * _size(box)]
    found.pictures = [area for area in large if not _has_text(area, found.lines, turn) and _shows_text(page, area)]
    if found.pictures:
        found.rest_from = -1e9 if turn else min(bottom + top for _, bottom, _, top in found.pictures) / 2


def _clipped(area: Area, box: Area) -> Area:
    return max(area[0], box[0]), max(area[1], box[1]), min(area[2], box[2]), min(area[3], box[3])


def _size(area: Area) -> float:
    return max(0.0, area[2] - area[0]) * max(0.0, area[3] - area[1])


def _covered(areas: Sequence[Area], box: Area) -> float:
    """Share of the page that is covered by pictures, which may be strips, and may lie on each other."""
    across = box[0] + (np.arange(_CELLS) + 0.5) * (box[2] - box[0]) / _CELLS
    up = box[1] + (np.arange(_CELLS) + 0.5) * (box[3] - box[1]) / _CELLS
    covered = np.zeros((_CELLS, _CELLS), bool)
    for left, bottom, right, top in areas:
        covered |= np.outer((up >= bottom) & (up <= top), (across >= left) & (across <= right))
    return float(covered.mean())


def _has_text(area: Area, lines: Sequence[Line], turn: int) -> bool:
    """Whether text stands on the picture, which is a background then, or a scan that was read before."""
    if turn:
        return bool(lines)
    inside = (line for line in lines if area[0] - 1 <= line.left <= area[2] and area[1] <= line.baseline <= area[3])
    return sum(len(line.text) for line in inside) >= _FEW_LETTERS


def _shows_text(page: pypdfium2.PdfPage, area: Area) -> bool:
    """Whether a picture is ink on paper; photographs have no brightness that most of their pixels have."""
    pixels = _render(page, area, _LOOK_SCALE)[:, :, 1].astype(np.int16)
    if not pixels.size:
        return False
    distance = np.abs(pixels - np.bincount(pixels.ravel(), minlength=256).argmax())
    return float((distance <= 16).mean()) >= _PAPER and _INK[0] <= float((distance >= 64).mean()) <= _INK[1]


def recognize_pages(document: pypdfium2.PdfDocument, pages: Sequence[PdfPage], limits: ParseLimits) -> Iterator[str]:
    """Reads pages that are pictures, and pictures on other pages; yields warnings."""
    wanted = [index for index, page in enumerate(pages) if page.needs_ocr]
    scans = sum(page.is_scan for page in pages)
    if scans > limits.max_ocr_pages:
        reason = f"too large: {scans:,} pages are images, at most {limits.max_ocr_pages:,} are allowed"
        raise Unparsable(reason, limit="max_ocr_pages")
    for index in wanted[: limits.max_ocr_pages]:
        page = document[index]
        yield from _recognize(page, pages[index], limits, index + 1)
        page.close()
    for index in wanted[limits.max_ocr_pages :]:
        yield f"page {index + 1}: its pictures were not read, since {limits.max_ocr_pages:,} pages were before"


def _recognize(page: pypdfium2.PdfPage, found: PdfPage, limits: ParseLimits, number: int) -> Iterator[str]:
    from ragops.corpus.documents.parsers.ocr import recognize

    scale = min(_OCR_DPI / 72, _OCR_SIDE / max(page.get_size()))
    texts = []
    for area in [None] if found.is_scan else found.pictures:
        recognized = recognize(_render(page, area, scale), limits)
        texts.append(recognized.text)
        yield from (f"page {number}: {warning}" for warning in recognized.warnings)
    found.read = "\n\n".join(text for text in texts if text)
    if found.is_scan:
        found.read = "\n\n".join([*_missing(found.lines, found.read), *([found.read] if found.read else [])])


def _missing(lines: Sequence[Line], read: str) -> list[str]:
    """Text of stamps that OCR did not read with the page."""
    squeezed = "".join(read.split()).casefold()
    return [line.text for line in lines if "".join(line.text.split()).casefold() not in squeezed]


def _render(page: pypdfium2.PdfPage, area: Area | None, scale: float) -> NDArray[np.uint8]:
    """Pixels of shape (height, width, 3) with channels blue, green, red; of the whole page, or of an area of it."""
    bitmap = page.render(scale=scale, force_bitmap_format=pdfium.FPDFBitmap_BGR, may_draw_forms=False)
    pixels: NDArray[np.uint8] = bitmap.to_numpy()
    if area:
        position = bitmap.get_posconv(page)
        corners = position.to_bitmap(area[0], area[1]), position.to_bitmap(area[2], area[3])
        (left, right), (top, bottom) = (sorted(corner[axis] for corner in corners) for axis in (0, 1))
        pixels = pixels[max(top, 0) : bottom + 1, max(left, 0) : right + 1]
    return pixels.copy()
