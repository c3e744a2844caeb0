"""Text of a PDF's page, as PDFium finds it: what a reader sees, in lines whose positions are those of upright text."""

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from ragops.corpus.documents.parsers.columns import Box, in_columns
from ragops.corpus.documents.parsers.pdf_layout import SOFT_HYPHEN, Line
from ragops.corpus.documents.parsers.pdf_tables import with_tables
from ragops.corpus.documents.parsers.pdf_visible import Visibility

_FIXED_PITCH = 1  # bit of a font descriptor's flags, PDF 32000-1 table 123
_FIXED_PITCH_NAME = re.compile(rb"courier|mono(?!type)|consolas|menlo|typewriter|cmtt", re.IGNORECASE)
_NAME_BYTES = 128
_BULK_HYPHEN = "\ufffe"  # FPDFText_GetText's character for what FPDFText_GetUnicode calls 2
_SAMPLE = 40  # characters whose angle is looked up
_WIDE_GAP = 1.2  # between words, as a multiple of the type's size: the words belong to different columns or cells
_SAME_LINE = 0.5  # distance of baselines, likewise
_TINY = 2.0  # points; nobody reads smaller type
_NARROW = 0.5  # width of most letters, likewise
_LEAST_ROWS = 3
_LINE_END = re.compile(f"[\n{SOFT_HYPHEN}]")
_NO_SPACE = re.compile(r"\S+")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Ligatures and Arabic letters by their form in a word: nobody searches for these characters.
_FORMS = re.compile("[\ufb00-\ufb4f\ufb50-\ufdcf\ufdf0-\ufdfb\ufe70-\ufefc]+")

Row = list[Line]
"""Pieces of a line in their order, with wide gaps between them."""


class _Word(NamedTuple):
    first: int
    last: int
    left: float
    """Where the first letter begins; in Arabic and Hebrew it is the rightmost."""
    baseline: float


class PageText:
    """The text of an open page. The page's rotation is changed while this exists; `close` restores it."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        """Turns the page so that most of its text lies: PDFium orders lines as they are seen on the page."""
        self._page = page
        self._x, self._y, self._box = ctypes.c_double(), ctypes.c_double(), pdfium.FS_RECTF()  # filled by each call
        self._rotation = page.get_rotation()
        if self._rotation:
            page.set_rotation(0)
        self._text = page.get_textpage()
        self.count = self._text.count_chars()
        self.turn = self._most_common_turn()
        if self.turn:
            self._text.close()
            page.set_rotation(90 * self.turn)
            self._text = page.get_textpage()
        self._visibility = Visibility(page, self._text)
        self._characters = self._read_characters()
        self._has_rtl = bool(_RTL.search(self._characters))
        self.pictures = self._visibility.pictures

    def close(self) -> None:
        """Restores the page's rotation."""
        self._text.close()
        if self._page.get_rotation() != self._rotation:
            self._page.set_rotation(self._rotation)

    def lines(self, start: int = 0, end: int | None = None) -> list[Line]:
        """Lines of the characters from `start` to `end`, columns one after another."""
        return in_reading_order(self.rows(start, end))

    def rows(self, start: int = 0, end: int | None = None) -> list[Row]:
        """Lines in PDFium's order, in pieces."""
        found = (self._row(first, last) for first, last in self._ranges(start, self.count if end is None else end))
        return [row for row in found if row]

    def origin(self, index: int) -> tuple[float, float]:
        """Where a character begins, on the page as it is stored."""
        pdfium.FPDFText_GetCharOrigin(self._text, index, self._x, self._y)
        return self._x.value, self._y.value

    def upright(self, x: float, y: float) -> tuple[float, float]:
        """A point of the stored page, on the page whose text lies."""
        return ((y, -x), (-x, -y), (-y, x))[self.turn - 1] if self.turn else (x, y)

    def _most_common_turn(self) -> int:
        """Quarter turns counterclockwise of most characters."""
        step = max(1, self.count // _SAMPLE)
        angles = (pdfium.FPDFText_GetCharAngle(self._text, index) for index in range(0, self.count, step))
        turns = Counter(-round(angle / (math.pi / 2)) % 4 for angle in angles if angle >= 0)
        return turns.most_common(1)[0][0] if turns else 0

    def _read_characters(self) -> str:
        """A character for each of PDFium's indices, NUL if the glyph has no Unicode value."""
        buffer = (ctypes.c_ushort * (self.count + 1))()
        units = pdfium.FPDFText_GetText(self._text, 0, self.count, buffer) - 1 if self.count else 0
        text = bytes(buffer)[: 2 * max(units, 0)].decode("utf-16-le", "surrogatepass")
        if len(text) == self.count and "\0" not in text:  # one call for all of them
            return text.replace(_BULK_HYPHEN, SOFT_HYPHEN)
        codes = (pdfium.FPDFText_GetUnicode(self._text, index) for index in range(self.count))
        return "".join(chr(code) if code <= 0x10FFFF else "\0" for code in codes)

    def _ranges(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """First and last + 1 of each line; PDFium joins lines at a hyphen and leaves its own character there."""
        for found in _LINE_END.finditer(self._characters, start, end):
            index = found.start()
            if found[0] == "\n":
                yield start, index
            elif self._ends_line(index, end):
                yield start, index + 1
            else:
                continue
            start = index + 1
        yield start, end

    def _ends_line(self, index: int, end: int) -> bool:
        if index + 1 >= end or not index:
            return True
        before, after = (self.upright(*self.origin(at))[1] for at in (index - 1, index + 1))
        return abs(before - after) > _SAME_LINE * self._size(index - 1)

    def _row(self, start: int, end: int) -> Row:
        words = list(self._words(start, end))
        if not words:
            return []
        size = self._size(words[0].first)
        if size < _TINY and self._height(words[0].first) < _TINY:
            return []
        pieces = [[words[0]]]
        for before, word in pairwise(words):
            if self._is_apart(before, word, max(size, 1.0)):
                pieces.append([])
            pieces[-1].append(word)
        fixed = all(self._is_fixed_pitch(word.first) for word in (words[0], words[len(words) // 2], words[-1]))
        return [self._line(piece, fixed) for piece in pieces]

    def _words(self, start: int, end: int) -> Iterator[_Word]:
        for found in _NO_SPACE.finditer(self._characters, start, end):
            first, last = found.start(), found.end() - 1
            x, y = origin = self.origin(first)
            if self._visibility.is_shown(first, last, origin):
                yield _Word(first, last, *(self.upright(x, y) if self.turn else origin))

    def _is_apart(self, before: _Word, word: _Word, size: float) -> bool:
        """Whether the gap between two words is wide; measured only if the distance of their beginnings is large."""
        length = before.last - before.first + 1 if word.left >= before.left else word.last - word.first + 1
        if abs(word.left - before.left) < (_NARROW * length + _WIDE_GAP - _NARROW) * size:
            return False
        (start, end), (left, right) = self._extent(before), self._extent(word)
        return max(left - end, start - right) > _WIDE_GAP * size

    def _extent(self, word: _Word) -> tuple[float, float]:
        """From where to where a word goes, from left to right."""
        edges = [*self._edges(word.first), *self._edges(word.last)]
        return min(edges), max(edges)

    def _edges(self, index: int) -> tuple[float, float]:
        box = self._box
        pdfium.FPDFText_GetLooseCharBox(self._text, index, box)
        return self.upright(box.left, box.bottom)[0], self.upright(box.right, box.top)[0]

    def _height(self, index: int) -> float:
        """Of a character's box in points: a form that is drawn larger has type of a small size."""
        box = pdfium.FS_RECTF()
        pdfium.FPDFText_GetLooseCharBox(self._text, index, box)
        return float(max(abs(box.top - box.bottom), abs(box.right - box.left)))

    def _line(self, words: Sequence[_Word], fixed_pitch: bool) -> Line:
        text = " ".join(self._text_of(word) for word in words).replace("\0", "")
        first, last = words[0], words[-1]
        return Line(
            text=_FORMS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text),
            left=min(first.left, last.left),
            right=max(*self._edges(last.last), *(self._edges(first.first) if last.left < first.left else ())),
            baseline=first.baseline,
            size=self._size(first.first),
            fixed_pitch=fixed_pitch,
        )

    def _text_of(self, word: _Word) -> str:
        """The word's characters. Those of a ligature, which begin at one place, are the wrong way round in Arabic."""
        text = self._characters[word.first : word.last + 1]
        if not self._has_rtl:
            return text
        characters = list(text)
        at = word.first
        while at < word.last:
            end = at
            while end < word.last and self._is_ligature(at, end + 1):
                end += 1
            here = slice(at - word.first, end + 1 - word.first)
            characters[here] = reversed(characters[here])
            at = end + 1
        return "".join(characters)

    def _is_ligature(self, first: int, index: int) -> bool:
        letters = self._characters[first], self._characters[index]
        return all(map(_is_rtl_letter, letters)) and letters[0] != letters[1] and self._same_place(first, index)

    def _same_place(self, first: int, second: int) -> bool:
        return math.dist(self.origin(first), self.origin(second)) < 0.01

    def _size(self, index: int) -> float:
        """Visible size in points: many PDF writers set type of size 1 and scale it."""
        matrix = pdfium.FS_MATRIX()
        size: float = pdfium.FPDFText_GetFontSize(self._text, index)
        if pdfium.FPDFText_GetMatrix(self._text, index, matrix):
            return size * math.hypot(matrix.c, matrix.d)
        return size

    def _is_fixed_pitch(self, index: int) -> bool:
        """By the font's flags or its name: the built-in Courier has no flags."""
        flags, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_BYTES)
        pdfium.FPDFText_GetFontInfo(self._text, index, name, _NAME_BYTES, flags)
        return bool(flags.value & _FIXED_PITCH) or bool(_FIXED_PITCH_NAME.search(name.value))


def _is_rtl_letter(character: str) -> bool:
    return bool(_RTL.match(character)) and unicodedata.category(character) == "Lo"


def in_reading_order(rows: Sequence[Row]) -> list[Line]:
    """Lines of the rows; column after column where PDFium's order goes from one column to the next in each line."""
    pieces = [piece for row in rows for piece in row]
    jumps = sum(
        abs(before.baseline - after.baseline) < _SAME_LINE * after.size and after.left > before.right
        for before, after in pairwise(pieces)
    )
    if jumps >= _LEAST_ROWS:
        boxes = [_as_box(piece, number) for number, piece in enumerate(pieces)]
        groups = in_columns(boxes)
        if len(groups) > 1:
            row_of = {id(piece): number for number, row in enumerate(rows) for piece in row}
            return [
                line
                for group in groups
                for line in _regrouped([pieces[box.key] for box in sorted(group, key=lambda box: box.key)], row_of)
            ]
    return [joined(row) for row in with_tables(rows)]


def _regrouped(pieces: Sequence[Line], row_of: dict[int, int]) -> Iterator[Line]:
    """Lines of a column: its pieces of each row."""
    row: Row = []
    for piece in pieces:
        if row and row_of[id(row[-1])] != row_of[id(piece)]:
            yield joined(row)
            row = []
        row.append(piece)
    if row:
        yield joined(row)


def _as_box(line: Line, key: int) -> Box:
    return Box(
        line.text, line.left, line.right, -line.baseline - 0.8 * line.size, -line.baseline + 0.2 * line.size, key
    )


def joined(row: Sequence[Line]) -> Line:
    """A row as one line."""
    if len(row) == 1:
        return row[0]
    text = " ".join(piece.text for piece in row)
    return replace(row[0], text=text, left=min(piece.left for piece in row), right=max(piece.right for piece in row))
