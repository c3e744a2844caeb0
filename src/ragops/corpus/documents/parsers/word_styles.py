"""What the styles of a Word file say about a paragraph or a run: heading, list, hidden."""

import re
from collections.abc import Iterator

from lxml import etree

from ragops.corpus.documents.parsers.ooxml import q

_HEADING = re.compile(r"heading\s*([1-9])", re.IGNORECASE)
_FALSE = ("0", "false", "off")
_VAL = q("w:val")


def is_on(element: etree._Element | None) -> bool:
    """Whether a property that is on or off, such as `w:vanish`, is there and on."""
    return element is not None and element.get(_VAL, "1") not in _FALSE


class Styles:
    """The styles of `styles.xml`, by id."""

    def __init__(self, root: etree._Element | None) -> None:
        """`root`: None for a file without styles."""
        self._styles: dict[str, etree._Element] = {}
        self._default: str | None = None
        self._found: dict[tuple[str | None, str], etree._Element | None] = {}
        for style in root.iter(q("w:style")) if root is not None else ():
            name = style.get(q("w:styleId"))
            if name is not None and name not in self._styles:
                self._styles[name] = style
                if style.get(q("w:type"), "paragraph") == "paragraph" and style.get(q("w:default")) in ("1", "true"):
                    self._default = name
        path = q("w:docDefaults/w:rPrDefault/w:rPr/w:vanish")
        self._hides = root is not None and is_on(root.find(path))

    def of_paragraph(self, paragraph: etree._Element | None) -> str | None:
        """The id of a paragraph's style."""
        style = paragraph.find(q("w:pPr/w:pStyle")) if paragraph is not None else None
        return self._default if style is None else style.get(_VAL)

    def name(self, style_id: str | None) -> str:
        """The name of a style in lower case: English for the styles that Word brings, whatever its language."""
        style = self._styles.get(style_id or "")
        element = style.find(q("w:name")) if style is not None else None
        return (element.get(_VAL, "") if element is not None else style_id or "").lower()

    def chain(self, style_id: str | None) -> Iterator[tuple[str, etree._Element]]:
        """A style and those it is based on, nearest first."""
        seen: set[str] = set()
        while style_id is not None and style_id not in seen and style_id in self._styles:
            seen.add(style_id)
            style = self._styles[style_id]
            yield style_id, style
            parent = style.find(q("w:basedOn"))
            style_id = parent.get(_VAL) if parent is not None else None

    def heading_level(self, paragraph: etree._Element) -> int | None:
        """1 to 9 for a heading; None for other paragraphs, whose outline level may be 9 (body)."""
        own = paragraph.find(q("w:pPr/w:outlineLvl"))
        if own is not None:
            return _level(own)
        style_id = self.of_paragraph(paragraph)
        if style_id is not None and style_id not in self._styles:
            found = _HEADING.fullmatch(style_id)
            return int(found[1]) if found else None
        for name, style in self.chain(style_id):
            outline = style.find(q("w:pPr/w:outlineLvl"))
            if outline is not None:
                return _level(outline)
            found = _HEADING.fullmatch(self.name(name))
            if found:
                return int(found[1])
        return None

    def is_title(self, paragraph: etree._Element) -> bool:
        """Whether a paragraph has the style Title, or one based on it."""
        return any(self.name(name) == "title" for name, _ in self.chain(self.of_paragraph(paragraph)))

    def numbering(self, style_id: str | None) -> tuple[str, str | None, str] | None:
        """The list that a style is linked to: its id, the level if given, and the style that names it."""
        level = None
        for name, style in self.chain(style_id):
            numbering = style.find(q("w:pPr/w:numPr"))
            if numbering is None:
                continue
            found, number = numbering.find(q("w:ilvl")), numbering.find(q("w:numId"))
            level = level if found is None else level or found.get(_VAL)
            if number is not None:
                return number.get(_VAL, "0"), level, name
        return None

    def list_of(self, style_id: str) -> str | None:
        """The id of the list that a numbering style stands for."""
        style = self._styles.get(style_id)
        number = style.find(q("w:pPr/w:numPr/w:numId")) if style is not None else None
        return number.get(_VAL) if number is not None else None

    def is_hidden(self, run: etree._Element, paragraph: etree._Element | None) -> bool:
        """Whether a run is hidden text: by itself, or by an odd number of its styles, as Word counts them."""
        own = run.find(q("w:rPr/w:vanish"))
        if own is not None:
            return is_on(own)
        votes = [self._vanishes(style_id) for style_id in self._chains(run, paragraph)]
        return sum(votes) % 2 == 1 or self._hides

    def color(self, run: etree._Element, paragraph: etree._Element | None) -> etree._Element | None:
        """The color that a run has, by itself or by its styles."""
        own = run.find(q("w:rPr/w:color"))
        if own is not None:
            return own
        colors = (self._nearest(style_id, "w:rPr/w:color") for style_id in self._chains(run, paragraph))
        return next((color for color in colors if color is not None), None)

    def is_shaded(self, style_id: str | None) -> bool:
        """Whether a style gives text a background."""
        return any(style.find(f".//{q('w:shd')}") is not None for _, style in self.chain(style_id))

    def _chains(self, run: etree._Element, paragraph: etree._Element | None) -> Iterator[str | None]:
        style = run.find(q("w:rPr/w:rStyle"))
        yield style.get(_VAL) if style is not None else None
        yield self.of_paragraph(paragraph)

    def _vanishes(self, style_id: str | None) -> bool:
        return is_on(self._nearest(style_id, "w:rPr/w:vanish"))

    def _nearest(self, style_id: str | None, path: str) -> etree._Element | None:
        """A property of a style, or of the nearest style it is based on that has it."""
        key = style_id, path
        if key not in self._found:
            properties = (style.find(q(path)) for _, style in self.chain(style_id))
            self._found[key] = next((each for each in properties if each is not None), None)
        return self._found[key]


def _level(outline: etree._Element) -> int | None:
    value = outline.get(_VAL, "9")
    return int(value) + 1 if value.isdigit() and int(value) < 9 else None
