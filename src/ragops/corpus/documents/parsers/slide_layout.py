"""Where the shapes of a slide stand, and the order in which they are read."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    return titles + _cut(placed, rows=True) + [shape for shape, frame in others if frame is None]


def _cut(shapes: list[tuple[etree._Element, Frame]], rows: bool, stuck: bool = False) -> list[etree._Element]:
    """Divides shapes at gaps, rows and columns in turn; those that no gap divides stay in their order."""
    if len(shapes) < 2:
        return [shape for shape, _ in shapes]
    ordered = sorted(shapes, key=lambda item: item[1].top if rows else item[1].left)
    groups: list[list[tuple[etree._Element, Frame]]] = []
    end = 0
    for shape, frame in ordered:
        start, stop = (frame.top, frame.bottom) if rows else (frame.left, frame.right)
        slack = (stop - start) // 10  # frames are a little larger than their text
        if not groups or start + slack >= end:
            groups.append([])
            end = stop
        groups[-1].append((shape, frame))
        end = max(end, stop)
    if len(groups) == 1:
        return [shape for shape, _ in shapes] if stuck else _cut(shapes, not rows, stuck=True)
    return [shape for group in groups for shape in _cut(group, not rows)]
