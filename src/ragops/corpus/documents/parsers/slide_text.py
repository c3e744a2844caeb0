"""The texts of a slide's shapes as Markdown."""

from collections.abc import Iterator

from lxml import etree

from ragops.corpus.documents.parsers.drawings import chart_text, description, diagram_text
from ragops.corpus.documents.parsers.equations import latex
from ragops.corpus.documents.parsers.ooxml import Package, Relation, q
from ragops.corpus.documents.parsers.slide_layout import Frame, Layouts, in_reading_order, is_title, placeholder
from ragops.corpus.documents.parsers.tables import markdown_table
from ragops.corpus.documents.parsers.word_numbering import format_number

_SHAPES = tuple(map(q, ("p:sp", "p:grpSp", "p:graphicFrame", "p:pic", "p:cxnSp")))
_NUMBERS = {"alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman", "romanUc": "upperRoman"}
_EDGES = ("ftr", "dt", "hdr")


class SlideReader:
    """Reads the shapes of one slide, or of the layout or master behind it."""

    def __init__(
        self, package: Package, relations: dict[str, Relation], layouts: Layouts, size: Frame, place: str
    ) -> None:
        """`size` is the slide, `place` its name in warnings, for example "slide 3"."""
        self._package = package
        self._relations = relations
        self._layouts = layouts
        self._size = size
        self._place = place

    def texts(self, tree: etree._Element) -> list[str]:
        """The shapes of a slide in reading order, the title as a heading, without headers, footers and dates."""
        shapes = [shape for shape in _children(tree) if (placeholder(shape) or ("", ""))[0] not in (*_EDGES, "sldNum")]
        return list(self._read(shapes, outside=True))

    def edges(self, tree: etree._Element) -> list[str]:
        """The headers, footers and dates of a slide, which other slides repeat."""
        shapes = [shape for shape in _children(tree) if (placeholder(shape) or ("", ""))[0] in _EDGES]
        return list(self._read(shapes))

    def fixed(self, tree: etree._Element) -> list[str]:
        """The texts of a layout or master that its slides show: those outside of placeholders."""
        return list(self._read([shape for shape in _children(tree) if placeholder(shape) is None]))

    def _read(self, shapes: list[etree._Element], outside: bool = False) -> Iterator[str]:
        placed = [(shape, self._layouts.frame(shape)) for shape in shapes if not _is_hidden(shape)]
        if outside:
            away = [shape for shape, frame in placed if frame is not None and not self._is_inside(frame)]
            placed = [(shape, frame) for shape, frame in placed if shape not in away]
            if any("".join(shape.itertext(q("a:t"))).strip() for shape in away):
                self._warn("text outside of the slide was left out")
        for shape in in_reading_order(placed):
            try:
                text = self._shape(shape)
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                self._warn(f"a shape was left out ({type(error).__name__}: {error})")
                continue
            if text.strip():
                yield text

    def _is_inside(self, frame: Frame) -> bool:
        across = frame.right > self._size.left and frame.left < self._size.right
        return across and frame.bottom > self._size.top and frame.top < self._size.bottom

    def _warn(self, what: str) -> None:
        self._package.warnings.append(f"{self._place}: {what}")

    def _shape(self, shape: etree._Element) -> str:
        if shape.tag == q("p:grpSp"):
            return "\n\n".join(self._read(_children(shape)))
        if shape.tag == q("p:pic"):
            return self._picture(shape)
        if shape.tag == q("p:graphicFrame"):
            return self._graphic(shape)
        body = shape.find(q("p:txBody"))
        if body is None:
            return ""
        if is_title(shape):
            title = " ".join(" ".join(line for _, line in _paragraphs(body)).split())
            return f"# {title}" if title else ""
        return self._body(shape, body)

    def _body(self, shape: etree._Element, body: etree._Element) -> str:
        """Paragraphs, with the bullets and numbers that PowerPoint draws before them."""
        lines: list[str] = []
        counts: dict[int, int] = {}
        for paragraph, text in _paragraphs(body):
            if not text.strip():
                continue
            level, mark = self._mark(shape, body, paragraph, counts)
            lines.append(f"{'  ' * level}{mark} {text}" if mark else f"{text}\n" if lines or len(body) > 3 else text)
        return "\n".join(lines).strip()

    def _mark(
        self, shape: etree._Element, body: etree._Element, paragraph: etree._Element, counts: dict[int, int]
    ) -> tuple[int, str]:
        """The level of a paragraph, and what is drawn before it."""
        properties = paragraph.find(q("a:pPr"))
        level = int(properties.get("lvl", "0")) if properties is not None else 0
        for deeper in [each for each in counts if each > level]:
            del counts[deeper]
        bodies = [body, *(each.find(q("p:txBody")) for each in self._layouts.ancestors(shape))]
        styles = [one.find(f"{q('a:lstStyle')}/{q(f'a:lvl{level + 1}pPr')}") for one in bodies if one is not None]
        for style in [properties, *styles]:
            if style is None:
                continue
            automatic = style.find(q("a:buAutoNum"))
            if automatic is not None:
                counts[level] = counts.get(level, int(automatic.get("startAt", "1")) - 1) + 1
                return level, _number(counts[level], automatic.get("type", "arabicPeriod"))
            counts.pop(level, None)
            if style.find(q("a:buNone")) is not None:
                return level, ""
            if style.find(q("a:buChar")) is not None or style.find(q("a:buBlip")) is not None:
                return level, "-"
        kind = placeholder(shape)
        is_list = kind is not None and kind[0] in ("obj", "body") and len(body.findall(q("a:p"))) > 1
        return level, "-" if is_list else ""

    def _picture(self, shape: etree._Element) -> str:
        blip = next(shape.iter(q("a:blip")), None)
        linked = blip is not None and blip.get(q("r:link")) and not blip.get(q("r:embed"))
        if linked:
            self._warn("a linked picture was left out")
        return _description(shape)

    def _graphic(self, frame: etree._Element) -> str:
        table = next(frame.iter(q("a:tbl")), None)
        if table is not None:
            return _table(table)
        for element in frame.iter(q("c:chart"), q("dgm:relIds"), q("p:oleObj")):
            relation = self._relations.get(element.get(q("r:id")) or element.get(q("r:dm")) or "")
            if element.tag == q("p:oleObj"):
                self._warn(f"an embedded {element.get('progId') or 'object'} was left out")
            elif relation is not None and not relation.external:
                root = self._package.xml(relation.target)
                return chart_text(root) if element.tag == q("c:chart") else diagram_text(root)
        return _description(frame)


def _children(tree: etree._Element) -> list[etree._Element]:
    """The shapes directly in a tree or group, of alternatives the first that has one."""
    shapes: list[etree._Element] = []
    for child in tree:
        if child.tag == q("mc:AlternateContent"):
            found = (_children(choice) for choice in child.iterchildren(q("mc:Choice"), q("mc:Fallback")))
            shapes += next(filter(None, found), [])
        elif child.tag in _SHAPES:
            shapes.append(child)
    return shapes


def _properties(shape: etree._Element) -> etree._Element | None:
    return next(shape.iterfind(f"./*/{q('p:cNvPr')}"), None)


def _is_hidden(shape: etree._Element) -> bool:
    properties = _properties(shape)
    return properties is not None and properties.get("hidden") in ("1", "true")


def _description(shape: etree._Element) -> str:
    """The description of a picture, unless it is a file's name."""
    properties = _properties(shape)
    return description(properties.get("descr", "")) if properties is not None else ""


def _paragraphs(body: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    for paragraph in body.iter(q("a:p")):
        text = "".join(_runs(paragraph))
        yield paragraph, " ".join(text.split())


def _runs(parent: etree._Element) -> Iterator[str]:
    """The texts of a paragraph, without slide numbers."""
    for child in parent:
        if child.tag == q("mc:AlternateContent"):
            yield next(filter(None, ("".join(_runs(choice)) for choice in child)), "")
        elif child.tag == q("a:br"):
            yield " "
        elif child.tag in (q("a:r"), q("a:fld")) and child.get("type") != "slidenum":
            yield child.findtext(q("a:t")) or ""
        elif etree.QName(child).localname == "m":
            yield "".join(f"${latex(math)}$" for math in child.iter(q("m:oMath")))


def _number(number: int, kind: str) -> str:
    """A number as PowerPoint's list formats have it: `arabicPeriod` is 1., `alphaLcParenBoth` is (a)."""
    name = next((name for name in _NUMBERS if kind.startswith(name)), "")
    text = format_number(number, _NUMBERS.get(name, "decimal"))
    return f"({text})" if kind.endswith("ParenBoth") else f"{text})" if kind.endswith("ParenR") else f"{text}."


def _table(table: etree._Element) -> str:
    """A table with the text of merged cells in each cell that they span."""
    grid: list[list[str]] = []
    for row in table.iterchildren(q("a:tr")):
        texts: list[str] = []
        for column, cell in enumerate(row.iterchildren(q("a:tc"))):
            if cell.get("hMerge") in ("1", "true") and texts:
                texts.append(texts[-1])
            elif cell.get("vMerge") in ("1", "true") and grid and column < len(grid[-1]):
                texts.append(grid[-1][column])
            else:
                texts.append(" ".join(text for _, text in _paragraphs(cell)))
        grid.append(texts)
    return markdown_table(grid)
