"""Values of forms and text of annotations on a PDF's page, in the lines where they are seen.

They are not in the page's content. PDFium draws them into it (flattening), after which their characters follow all
others; here they are put beside their labels. The others are read before that, since some fonts lose their letters.
Comments that open as notes are not part of the page and are not read.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pypdfium2
import pypdfium2.raw as pdfium

from ragops.corpus.documents.parsers.pdf_layout import Line
from ragops.corpus.documents.parsers.pdf_text import PageText, Row, joined
from ragops.corpus.documents.parsers.pdf_visible import Area

_VISIBLE = {pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP}
_HIDDEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_PASSWORD = 1 << 13  # flag of a text field, PDF 32000-1 table 228
_TEXT_FIELDS = {pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX}
_ONE_LINE = 3.0  # height of a field for one line, as a multiple of the type's size


@dataclass(frozen=True)
class Field:
    """A field or annotation that is seen: its area, its value, and for boxes and radio buttons whether it is set."""

    area: Area
    value: str
    is_set: bool | None


def fields(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> list[Field]:
    """What is seen on the page but not in its content."""
    count = pdfium.FPDFPage_GetAnnotCount(page)
    return [field for number in range(count) if (field := _field(document, page, number))]


def _field(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, number: int) -> Field | None:
    annotation = pdfium.FPDFPage_GetAnnot(page, number)
    try:
        is_seen = annotation and pdfium.FPDFAnnot_GetSubtype(annotation) in _VISIBLE
        if not is_seen or pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
            return None
        box = pdfium.FS_RECTF()
        pdfium.FPDFAnnot_GetRect(annotation, box)
        area = min(box.left, box.right), min(box.bottom, box.top), max(box.left, box.right), max(box.bottom, box.top)
        state = _string(pdfium.FPDFAnnot_GetStringValue, annotation, b"AS")
        return Field(area, _value(document, annotation), state != "Off" if state else None)
    finally:
        pdfium.FPDFPage_CloseAnnot(annotation)


def _value(document: pypdfium2.PdfDocument, annotation: object) -> str:
    if document.formenv is None:
        return ""
    form = document.formenv.raw
    if pdfium.FPDFAnnot_GetFormFieldType(form, annotation) not in _TEXT_FIELDS:
        return ""
    if pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
        return ""
    return _string(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation)


def _string(get: Callable[..., int], *arguments: object) -> str:
    """A string of PDFium, which first says how many bytes it needs."""
    needed = get(*arguments, None, 0)
    buffer = (ctypes.c_ushort * (needed // 2 + 1))()
    get(*arguments, buffer, needed)
    return bytes(buffer)[: max(needed - 2, 0)].decode("utf-16-le", "replace")


def put_values(rows: list[Row], text: PageText, own: int, seen: Sequence[Field]) -> None:
    """Puts values into the rows of a page; `text` is that of the flattened page, which had `own` characters before."""
    for field, lines in _lines_of(text, own, seen):
        for line in lines:
            _place(rows, line, _upright(text, field.area))


def _lines_of(text: PageText, own: int, seen: Sequence[Field]) -> Iterator[tuple[Field, list[Line]]]:
    """Each field with the lines that it shows."""
    ranges: dict[int, tuple[int, int]] = {}
    for index in range(own, text.count):
        if (number := _number(seen, text.origin(index))) is not None:
            ranges[number] = ranges.get(number, (index, 0))[0], index + 1
    for number, field in enumerate(seen):
        drawn = [joined(row) for row in text.rows(*ranges[number])] if number in ranges else []
        if field.is_set is not None:  # what stands in a box is a sign of a font of signs
            yield field, [_as_line(text, field, "[x]" if field.is_set else "[ ]")]
        elif _squeezed(field.value) and (not drawn or _squeezed(field.value) == _squeezed(_all(drawn))):
            value = " ".join(field.value.split())  # as it was typed, not with a space between letters in boxes
            yield field, [_as_line(text, field, value, drawn[0] if drawn else None)]
        else:
            yield field, drawn


def _all(lines: Sequence[Line]) -> str:
    return "".join(line.text for line in lines)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _number(seen: Sequence[Field], point: tuple[float, float]) -> int | None:
    """Which field the point lies in; the smallest."""
    inside = [number for number, field in enumerate(seen) if _inside(field.area, *point)]
    return min(inside, key=lambda number: seen[number].area[3] - seen[number].area[1], default=None)


def _inside(area: Area, x: float, y: float) -> bool:
    left, bottom, right, top = area
    return left - 1 <= x <= right + 1 and bottom - 1 <= y <= top + 1


def _upright(text: PageText, area: Area) -> Area:
    corners = text.upright(area[0], area[1]), text.upright(area[2], area[3])
    (left, right), (bottom, top) = (sorted(corner[axis] for corner in corners) for axis in (0, 1))
    return left, bottom, right, top


def _as_line(text: PageText, field: Field, value: str, drawn: Line | None = None) -> Line:
    left, bottom, right, top = _upright(text, field.area)
    size = drawn.size if drawn else 0.7 * (top - bottom)
    return Line(value, left, right, drawn.baseline if drawn else bottom + 0.25 * (top - bottom), size)


def _place(rows: list[Row], line: Line, area: Area) -> None:
    """Puts a line into the row at its height, from left to right, or between the rows above and below it."""
    _, bottom, _, top = area
    for row in rows:
        size = row[0].size or 1.0
        is_beside = bottom - 1 <= row[0].baseline + 0.3 * size <= top + 1 and top - bottom <= _ONE_LINE * size
        if is_beside or abs(row[0].baseline - line.baseline) < 0.5 * size:
            row[:] = [replace(piece, alone=True) for piece in sorted([*row, line], key=lambda piece: piece.left)]
            return
    above = [number for number, row in enumerate(rows) if row[0].baseline > line.baseline]
    nearest = min(above, key=lambda number: rows[number][0].baseline, default=-1)
    rows.insert(nearest + 1, [replace(line, alone=True)])
