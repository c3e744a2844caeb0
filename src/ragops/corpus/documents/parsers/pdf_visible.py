"""Whether text of a PDF's page can be seen: text that nobody sees must not be searched or answered from."""

import ctypes
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

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
_DARK = 100  # of 255, in all channels: text on a shape of such a color is looked at
_LEAST_COVER = 4.0  # points, each side of a shape that can cover a word; a line below words is thinner
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
        self._content = look_at(page)
        self.pictures = self._content.pictures
        self._kinds: dict[int | None, str] = {}

    def is_shown(self, first: int, last: int, origin: tuple[float, float]) -> bool:
        """Whether the word from character `first` to `last`, which begins at `origin`, can be seen."""
        if not _contains(self._box, origin, _MARGIN):
            return False
        if self._content.is_plain and not self._content.shapes:
            return True
        text_object = pdfium.FPDFText_GetTextObject(self._text, first)
        kind = self._kind(text_object)
        if kind == "hidden":  # the text of a scan lies, invisible, over its picture
            return any(_contains(area, origin, _MARGIN) for area in self._large_pictures)
        is_plain = kind == "plain" and not self._is_on_a_shape(origin, text_object)
        return is_plain or self._has_contrast(first, last)

    def _is_on_a_shape(self, origin: tuple[float, float], text_object: object) -> bool:
        """Whether the word may be covered, as where text was blackened, or have the color of what is below it."""
        (x, y), areas = origin, self._shapes
        inside = (areas[:, 0] <= x) & (areas[:, 1] <= y) & (areas[:, 2] >= x) & (areas[:, 3] >= y)
        return bool((inside & (areas[:, 4] > self._content.texts.get(_address(text_object), 0))).any())

    @cached_property
    def _shapes(self) -> NDArray[np.float64]:
        return np.array(self._content.shapes, np.float64).reshape(-1, 5)

    @cached_property
    def _large_pictures(self) -> list[Area]:
        whole = _size(self._box)
        return [area for area in self.pictures if _size(area) >= _PAGE_SHARE * whole]

    def _kind(self, text_object: object) -> str:
        """plain, hidden, or doubtful: of a text object."""
        address = _address(text_object)
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
_FILL, _STROKE = ctypes.c_int(), ctypes.c_int()


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


def _address(item: Any) -> int | None:  # noqa: ANN401 - a pointer of PDFium's
    return ctypes.cast(item, ctypes.c_void_p).value


def _is_in_a_layer(item: object) -> bool:
    """Whether it belongs to optional content, which may be switched off."""
    for number in range(pdfium.FPDFPageObj_CountMarks(item)):
        mark = pdfium.FPDFPageObj_GetMark(item, number)
        is_short = pdfium.FPDFPageObjMark_GetName(mark, _NAME, ctypes.sizeof(_NAME), _NAME_LENGTH)
        if is_short and bytes(_NAME).decode("utf-16-le") == "OC\0":
            return True
    return False


@dataclass
class Content:
    """What a page draws, as far as it matters for what can be seen.

    Attributes:
        pictures: where it has pictures, those in its forms too.
        shapes: where it has filled shapes, with the number of texts that each may hide: those drawn before it, or all
            if it is dark, since texts may have its color.
        texts: the numbers of its texts from 0, in the order in which they are drawn, by their addresses.
        is_plain: whether all of its text is plain.
    """

    pictures: list[Area] = field(default_factory=list)
    shapes: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    texts: dict[int | None, int] = field(default_factory=dict)
    is_plain: bool = True


def look_at(page: pypdfium2.PdfPage) -> Content:
    """Looks at everything that a page draws, in the order in which it is drawn."""
    count, get = pdfium.FPDFPage_CountObjects(page), pdfium.FPDFPage_GetObject
    content = Content()
    _look(content, (get(page, number) for number in range(count)), (), _DEPTH)
    return content


def _look(content: Content, items: Iterable[object], matrices: tuple[pdfium.FS_MATRIX, ...], depth: int) -> None:
    for item in items:
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            content.texts[_address(item)] = len(content.texts)
            content.is_plain = content.is_plain and _kind_of(item) == "plain"
        elif kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            content.pictures.append(_area(item, matrices))
        elif kind == pdfium.FPDF_PAGEOBJ_PATH:
            _look_at_shape(content, item, matrices)
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth > 1:
            matrix, inside = pdfium.FS_MATRIX(), range(pdfium.FPDFFormObj_CountObjects(item))
            pdfium.FPDFPageObj_GetMatrix(item, matrix)
            parts = (pdfium.FPDFFormObj_GetObject(item, number) for number in inside)
            _look(content, parts, (matrix, *matrices), depth - 1)
            content.is_plain = content.is_plain and not _is_in_a_layer(item)
        elif kind == pdfium.FPDF_PAGEOBJ_FORM:
            content.is_plain = False  # not looked at


def _look_at_shape(content: Content, path: object, matrices: tuple[pdfium.FS_MATRIX, ...]) -> None:
    if not (pdfium.FPDFPath_GetDrawMode(path, _FILL, _STROKE) and _FILL.value):
        return
    if not pdfium.FPDFPageObj_GetFillColor(path, *_COLOR) or _COLOR[3].value <= _NEARLY_TRANSPARENT:
        return
    hides = math.inf if all(channel.value <= _DARK for channel in _COLOR[:3]) else len(content.texts)
    if hides:
        left, bottom, right, top = _area(path, matrices)
        if right - left >= _LEAST_COVER and top - bottom >= _LEAST_COVER:
            content.shapes.append((left, bottom, right, top, hides))


def _area(item: object, matrices: tuple[pdfium.FS_MATRIX, ...]) -> Area:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top)
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
