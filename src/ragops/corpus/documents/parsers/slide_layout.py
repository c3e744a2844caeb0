"""Where the shapes of a slide stand, and the order in which they are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lxml import etree

from ragops.corpus.documents.parsers.ooxml import q

_TITLES = ("title", "ctrTitle")
_FRAMES = ("p:spPr/a:xfrm", "p:grpSpPr/a:xfrm", "p:xfrm")


@dataclass(frozen=True)
class Frame:
    """A rectangle on a slide, in EMU."""

    left: int
    top: int
    right: int
    bottom: int


def placeholder(shape: etree._Element) -> tuple[str, str] | None:
    """The type and index of a placeholder; None for other shapes."""
    found = next(shape.iterfind(f"./*/{q('p:nvPr')}/{q('p:ph')}"), None)
    return None if found is None else (found.get("type", "obj"), found.get("idx", "0"))


class Layouts:
    """The layout and the master of a slide, from which its placeholders take their places."""

    def __init__(self, roots: Sequence[etree._Element]) -> None:
        """`roots`: of the layout and of the master, in this order."""
        self.roots = roots

    def ancestors(self, shape: etree._Element) -> list[etree._Element]:
        """The placeholders that a placeholder inherits from, nearest first."""
        own = placeholder(shape)
        if own is None:
            return []
        found = []
        for root in self.roots:
            others = [(other, placeholder(other)) for other in root.iter(q("p:sp"), q("p:pic"), q("p:graphicFrame"))]
            same = [other for other, key in others if key and key[1] == own[1] and own[1] != "0"]
            same += [other for other, key in others if key and _kind(key[0]) == _kind(own[0])]
            found += same[:1]
        return found

    def frame(self, shape: etree._Element) -> Frame | None:
        """The place of a shape, its own or an inherited one; None if it has none."""
        for candidate in [shape, *self.ancestors(shape)]:
            for path in _FRAMES:
                found = candidate.find("/".join(map(q, path.split("/"))))
                offset = found.find(q("a:off")) if found is not None else None
                extent = found.find(q("a:ext")) if found is not None else None
                if offset is not None and extent is not None:
                    left, top = _number(offset, "x"), _number(offset, "y")
                    return Frame(left, top, left + _number(extent, "cx"), top + _number(extent, "cy"))
        return None


def _kind(name: str) -> str:
    """Types of placeholders that stand for each other."""
    return {"ctrTitle": "title", "obj": "body", "subTitle": "body"}.get(name, name)


def _number(element: etree._Element, name: str) -> int:
    try:
        return int(element.get(name, "0"))
    except ValueError:
        return 0


def is_title(shape: etree._Element) -> bool:
    """Whether a shape is the title of its slide."""
    found = placeholder(shape)
    return found is not None and found[0] in _TITLES


def in_reading_order(shapes: Sequence[tuple[etree._Element, Frame | None]]) -> list[etree._Element]:
    """The title, then rows from the top and columns from the left, as far as gaps divide the shapes.

    Placeholders alone stay in the order of the file, which is that of their layout: in a comparison of two columns,
    each heading before its text.
    """
    titles = [shape for shape, _ in shapes if is_title(shape)]
    others = [(shape, frame) for shape, frame in shapes if not is_title(shape)]
    if all(placeholder(shape) for shape, _ in others):
        return titles + [shape for shape, _ in others]
    placed = [(shape, frame) for shape, frame in others if frame is not None]
    return titles + _cut(placed) + [shape for shape, frame in others if frame is None]


_Placed = tuple[etree._Element, Frame]


def _cut(shapes: list[_Placed]) -> list[etree._Element]:
    """Divides shapes at gaps, into rows or columns, whichever the wider gap is between; else they keep their order."""
    rows, columns = _divided(shapes, rows=True), _divided(shapes, rows=False)
    _, groups = rows if rows[0] >= columns[0] else columns
    if len(groups) < 2:
        return [shape for shape, _ in shapes]
    return [shape for group in groups for shape in _cut(group)]


def _divided(shapes: list[_Placed], rows: bool) -> tuple[int, list[list[_Placed]]]:
    """The widest gap and the groups between gaps of about this width; frames may overlap a little, texts do not."""
    ordered = sorted(shapes, key=lambda item: item[1].top if rows else item[1].left)
    gaps: dict[int, int] = {}  # by the index of the shape behind the gap
    end = 0
    for index, (_, frame) in enumerate(ordered):
        start, stop = (frame.top, frame.bottom) if rows else (frame.left, frame.right)
        if index and start + (stop - start) // 10 >= end:
            gaps[index] = start - end
        end = max(end, stop) if index else stop
    widest = max(gaps.values(), default=-(10**9))
    cuts = [index for index, gap in gaps.items() if gap >= min(widest, widest // 2)]
    return widest, [ordered[start:stop] for start, stop in pairwise([0, *cuts, len(ordered)])]
