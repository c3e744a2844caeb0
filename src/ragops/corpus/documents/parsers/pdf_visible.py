"""Whether text of a PDF's page can be seen: text that nobody sees must not be searched or answered from."""

import ctypes
from collections.abc import Iterable
from functools import cached_property

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

Area = tuple[float, float, float, float]
"""Left, bottom, right and top on the page as it is stored, in points."""

_INVISIBLE = {pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP}
_STROKED = {pdfium.FPDF_TEXTRENDERMODE_STROKE, pdfium.FPDF_TEXTRENDERMODE_STROKE_CLIP}
_NEARLY_WHITE = 235  # of 255, in all channels
_NEARLY_TRANSPARENT = 12  # of 255
_CONTRAST = 24  # of 255, between the darkest and the brightest pixel of a word that is seen
_SCALE = 1.5  # pixels a point
_MARGIN = 2.0  # points outside the page that a word may begin at
_DEPTH = 3
_PAGE_SHARE = 0.1  # of the page, below which a picture is none that text was recognized in


class Visibility:
    """What can be seen of an open page's text."""

    def __init__(self, page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage) -> None:
        """`page` and `text` must stay open."""
        self._page = page
        self._text = text
        self._box: Area = page.get_bbox()
        self.pictures, self._is_plain = look_at(page)
        self._kinds: dict[int | None, str] = {}

    def is_shown(self, first: int, last: int, origin: tuple[float, float]) -> bool:
        """Whether the word from character `first` to `last`, which begins at `origin`, can be seen."""
        if not _contains(self._box, origin, _MARGIN):
            return False
        if self._is_plain:
            return True
        kind = self._kind(first)
        if kind == "hidden":  # the text of a scan lies, invisible, over its picture
            return any(_contains(area, origin, _MARGIN) for area in self._large_pictures)
        return kind == "plain" or self._has_contrast(first, last)

    @cached_property
    def _large_pictures(self) -> list[Area]:
        whole = _size(self._box)
        return [area for area in self.pictures if _size(area) >= _PAGE_SHARE * whole]

    def _kind(self, index: int) -> str:
        """plain, hidden, or doubtful: of the text object that the character belongs to."""
        text_object = pdfium.FPDFText_GetTextObject(self._text, index)
        address = ctypes.cast(text_object, ctypes.c_void_p).value
        if address not in self._kinds:
            self._kinds[address] = _kind_of(text_object)
        return self._kinds[address]

    def _has_contrast(self, first: int, last: int) -> bool:
        """Whether anything is drawn where the word stands."""
        boxes = [self._box_of(index) for index in (first, last)]
        left, right = min(box.left for box in boxes), max(box.right for box in boxes)
        bottom, top = min(box.bottom for box in boxes), max(box.top for box in boxes)
        pixels, position = self._drawn
        corners = [position.to_bitmap(x, y) for x, y in ((left, bottom), (right, top))]
        (x0, x1), (y0, y1) = (sorted((corners[0][axis], corners[1][axis])) for axis in (0, 1))
        part = pixels[max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1]
        return part.size > 0 and int(part.max()) - int(part.min()) > _CONTRAST

    def _box_of(self, index: int) -> pdfium.FS_RECTF:
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        pdfium.FPDFText_GetCharBox(self._text, index, left, right, bottom, top)
        return pdfium.FS_RECTF(left.value, top.value, right.value, bottom.value)

    @cached_property
    def _drawn(self) -> tuple[NDArray[np.uint8], pypdfium2.PdfPosConv]:
        bitmap = self._page.render(scale=_SCALE, grayscale=True, may_draw_forms=False)
        pixels = bitmap.to_numpy().copy()
        return pixels.reshape(pixels.shape[:2]), bitmap.get_posconv(self._page)


# Filled by calls of PDFium, of which a page needs thousands; each process parses one file at a time.
_COLOR = tuple(ctypes.c_uint() for _ in range(4))
_NAME, _NAME_LENGTH = (ctypes.c_ushort * 3)(), ctypes.c_ulong()


def _kind_of(text_object: object) -> str:
    if not text_object:  # a space that PDFium inserted
        return "plain"
    mode = pdfium.FPDFTextObj_GetTextRenderMode(text_object)
    if mode in _INVISIBLE:
        return "hidden"
    read = pdfium.FPDFPageObj_GetStrokeColor if mode in _STROKED else pdfium.FPDFPageObj_GetFillColor
    if read(text_object, *_COLOR):
        red, green, blue, opacity = _COLOR
        is_white = red.value >= _NEARLY_WHITE and green.value >= _NEARLY_WHITE and blue.value >= _NEARLY_WHITE
        if is_white or opacity.value <= _NEARLY_TRANSPARENT:
            return "doubtful"
    return "doubtful" if _is_in_a_layer(text_object) else "plain"


def _is_in_a_layer(item: object) -> bool:
    """Whether it belongs to optional content, which may be switched off."""
    for number in range(pdfium.FPDFPageObj_CountMarks(item)):
        mark = pdfium.FPDFPageObj_GetMark(item, number)
        is_short = pdfium.FPDFPageObjMark_GetName(mark, _NAME, ctypes.sizeof(_NAME), _NAME_LENGTH)
        if is_short and bytes(_NAME).decode("utf-16-le") == "OC\0":
            return True
    return False


def look_at(page: pypdfium2.PdfPage) -> tuple[list[Area], bool]:
    """Where the page has pictures, those in its forms too; and whether all of its text is plain."""
    areas: list[Area] = []
    count, get = pdfium.FPDFPage_CountObjects(page), pdfium.FPDFPage_GetObject
    return areas, _look(areas, (get(page, number) for number in range(count)), (), _DEPTH)


def _look(areas: list[Area], items: Iterable[object], matrices: tuple[pdfium.FS_MATRIX, ...], depth: int) -> bool:
    is_plain = True
    for item in items:
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            is_plain = is_plain and _kind_of(item) == "plain"
        elif kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            areas.append(_area(item, matrices))
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth > 1:
            matrix, inside = pdfium.FS_MATRIX(), range(pdfium.FPDFFormObj_CountObjects(item))
            pdfium.FPDFPageObj_GetMatrix(item, matrix)
            parts = (pdfium.FPDFFormObj_GetObject(item, number) for number in inside)
            is_plain = _look(areas, parts, (matrix, *matrices), depth - 1) and not _is_in_a_layer(item) and is_plain
        elif kind == pdfium.FPDF_PAGEOBJ_FORM:
            is_plain = False  # not looked at
    return is_plain


def _area(picture: object, matrices: tuple[pdfium.FS_MATRIX, ...]) -> Area:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(picture, left, bottom, right, top)
    corners = [(x.value, y.value) for x in (left, right) for y in (bottom, top)]
    for matrix in matrices:
        corners = [(matrix.a * x + matrix.c * y + matrix.e, matrix.b * x + matrix.d * y + matrix.f) for x, y in corners]
    across, up = [x for x, _ in corners], [y for _, y in corners]
    return min(across), min(up), max(across), max(up)


def _contains(area: Area, point: tuple[float, float], margin: float) -> bool:
    left, bottom, right, top = area
    return left - margin <= point[0] <= right + margin and bottom - margin <= point[1] <= top + margin


def _size(area: Area) -> float:
    left, bottom, right, top = area
    return max(0.0, right - left) * max(0.0, top - bottom)
