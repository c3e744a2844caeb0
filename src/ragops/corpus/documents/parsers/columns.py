"""Reading order of boxes of text on a page: columns one after another, with headings that span them in their places.

Ours, since no library gives the order of boxes without a layout model. A recursive cut over the boxes: a gutter is a
vertical gap with prose on both sides; boxes that cross it divide the page into bands.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

_LEAST_ROWS = 3
_LEAST_LETTERS = 14  # median of a column's boxes; labels and numbers are shorter
_LEAST_WORDS = 3
_CONTINUED = 0.25  # share of rows that begin with a small letter: rows of a table do not
_GUTTER = 0.5  # least width, as a multiple of a line's height
_MOST_CROSSING = 0.4
_CASED = re.compile(r"[^\W\d_]")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class Box:
    """A piece of a line; coordinates in any unit, `top` less than `bottom`. `key` is the caller's own."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    key: int = 0

    @property
    def middle(self) -> float:
        """Height of the middle."""
        return (self.top + self.bottom) / 2


def in_columns(boxes: Sequence[Box]) -> list[list[Box]]:
    """Groups of boxes in reading order: a column, or what spans all columns. One group if there are no columns."""
    edge = _gutter(boxes)
    if edge is None:
        return [list(boxes)]
    crossing = sorted((box for box in boxes if box.left < edge < box.right), key=lambda box: box.middle)
    rest = [box for box in boxes if not box.left < edge < box.right]  # with prose left and right of the edge
    groups: list[list[Box]] = []
    for band in _bands(rest, crossing):
        left = [box for box in band if box.right <= edge]
        right = [box for box in band if box.right > edge]
        if left and right:
            groups += [*in_columns(left), *in_columns(right)]
        else:
            groups.append(band)
    return groups


def _bands(rest: Sequence[Box], crossing: Sequence[Box]) -> Iterator[list[Box]]:
    """Boxes between those that cross the gutter, and those themselves, from the top."""
    for above, spanning in zip([None, *crossing], [*crossing, None], strict=True):
        top = above.middle if above else float("-inf")
        bottom = spanning.middle if spanning else float("inf")
        if band := [box for box in rest if top <= box.middle < bottom]:
            yield band
        if spanning:
            yield [spanning]


def _gutter(boxes: Sequence[Box]) -> float | None:
    """The middle of the gap that divides the most prose, or None."""
    if len(boxes) < 2 * _LEAST_ROWS:
        return None
    height = median(box.bottom - box.top for box in boxes)
    best, found = 0, None
    for edge in sorted({box.left for box in boxes}):
        gap = edge - _GUTTER * height
        left = [box for box in boxes if box.right <= gap]
        right = [box for box in boxes if box.left >= edge]
        crossing = len(boxes) - len(left) - len(right)
        rows = min(len(left), len(right))
        if rows > best and crossing <= _MOST_CROSSING * len(boxes) and _side_by_side(left, right, height):
            best, found = rows, (max(box.right for box in left) + edge) / 2
    return found


def _side_by_side(left: Sequence[Box], right: Sequence[Box], height: float) -> bool:
    if not (_is_prose(left) and _is_prose(right)):
        return False
    shared = min(_last(left), _last(right)) - max(_first(left), _first(right))
    return shared >= (_LEAST_ROWS - 1) * height


def _first(boxes: Sequence[Box]) -> float:
    return min(box.top for box in boxes)


def _last(boxes: Sequence[Box]) -> float:
    return max(box.bottom for box in boxes)


def _is_prose(boxes: Sequence[Box]) -> bool:
    """Several rows of several words, some of which go on in the next row."""
    if len(boxes) < _LEAST_ROWS:
        return False
    if any(_UNSPACED.search(box.text) for box in boxes):
        return median(len(box.text) for box in boxes) >= _LEAST_LETTERS / 2
    if median(len(box.text) for box in boxes) < _LEAST_LETTERS:
        return False
    if median(len(box.text.split()) for box in boxes) < _LEAST_WORDS:
        return False
    firsts = [found[0] for box in boxes if (found := _CASED.search(box.text))]
    cased = [letter for letter in firsts if letter.lower() != letter.upper()]
    return not cased or sum(letter.islower() for letter in cased) >= _CONTINUED * len(cased)
