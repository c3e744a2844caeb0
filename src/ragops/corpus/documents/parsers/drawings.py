"""The texts of drawings: text boxes, charts and SmartArt, which lie in parts of their own."""

import re
from collections.abc import Iterator

from lxml import etree

from ragops.corpus.documents.parsers.ooxml import Package, q
from ragops.corpus.documents.parsers.tables import markdown_table

_MOST_POINTS = 1_000  # of a chart; more are a curve, whose numbers nobody reads

_FILE_NAME = re.compile(r"\S+\.\w{3,4}|(picture|image|graphic|grafik|bild|imagen?)\s*\d*", re.IGNORECASE)
_AUTOMATIC = re.compile(r"\s*(Description automatically generated|Automatisch generierte Beschreibung).*", re.DOTALL)


def description(text: str) -> str:
    """A picture's description; '' if it is a file's name, or Office's own name for any picture."""
    words = " ".join(_AUTOMATIC.sub("", text).split())
    return "" if _FILE_NAME.fullmatch(words) else words


def drawing_texts(package: Package, part: str) -> Iterator[str]:
    """The texts of the drawings of a sheet or slide, each as Markdown."""
    for relation in package.relations(part).values():
        if relation.external:
            continue
        if relation.kind == "drawing":
            root = package.xml(relation.target)
            if root is not None:
                yield from filter(None, map(body_text, root.iter("{*}txBody")))
            yield from drawing_texts(package, relation.target)
        elif relation.kind == "chart":
            yield chart_text(package.xml(relation.target))
        elif relation.kind == "diagramData":
            yield diagram_text(package.xml(relation.target))


def body_text(body: etree._Element) -> str:
    """The paragraphs of a text body of DrawingML, one on a line."""
    lines = []
    for paragraph in body.iter(q("a:p")):
        nodes = paragraph.iter(q("a:t"), q("a:br"), q("a:tab"))
        lines.append("".join(node.text or "" if node.tag == q("a:t") else " " for node in nodes))
    return "\n".join(line for line in lines if line.strip())


def diagram_text(root: etree._Element | None) -> str:
    """The texts of SmartArt as a list, in the order of its data."""
    if root is None:
        return ""
    texts = (" ".join(body_text(body).split()) for body in root.iter(q("dgm:t")))
    return "\n".join(f"- {text}" for text in texts if text)


def chart_text(root: etree._Element | None) -> str:
    """The titles of a chart and its axes, and the values that it shows as a table."""
    if root is None:
        return ""
    titles = [text for title in root.iter(q("c:title")) if (text := " ".join(body_text(title).split()))]
    series = list(root.iter(q("c:ser")))
    names = [" ".join(_points(one, "c:tx").values()) for one in series]
    categories: dict[int, str] = {}
    for one in series:
        categories |= _points(one, "c:cat") or _points(one, "c:xVal")
    values = [_points(one, "c:val") or _points(one, "c:yVal") for one in series]
    indices = sorted({index for one in values for index in one} | set(categories))
    if len(indices) > _MOST_POINTS:
        return "\n\n".join([*titles, *filter(None, names)])
    rows = [["", *names], *([categories.get(i, ""), *(one.get(i, "") for one in values)] for i in indices)]
    return "\n\n".join([*titles, markdown_table(rows)] if indices else titles)


def _points(series: etree._Element, kind: str) -> dict[int, str]:
    """The stored values of a series by index: its name, its categories or its numbers.

    Categories of several levels, such as year and quarter, are joined, the outermost first.
    """
    parent = series.find(q(kind))
    if parent is None:
        return {}
    levels = list(parent.iter(q("c:lvl"))) or [parent]
    points = {int(point.get("idx", "0")): _plain(point) for point in levels[0].iter(q("c:pt"))}
    for level in levels[1:]:
        outer = sorted((int(point.get("idx", "0")), _plain(point)) for point in level.iter(q("c:pt")))
        for index, text in points.items():
            names = [name for start, name in outer if start <= index]
            points[index] = f"{names[-1]} {text}" if names else text
    return points


def _plain(point: etree._Element) -> str:
    """The text of a point; a number without the digits that floating point adds."""
    text = point.findtext(q("c:v")) or ""
    try:
        return f"{float(text):.12g}"
    except ValueError:
        return text
