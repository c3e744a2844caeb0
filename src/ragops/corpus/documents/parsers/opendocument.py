"""OpenDocument: texts, spreadsheets and presentations of LibreOffice and others."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from zipfile import ZipFile

from lxml import etree

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.sheet_regions import SheetRow, sheet_markdown
from ragops.corpus.documents.parsers.tables import markdown_table
from ragops.corpus.documents.sniffing import check_archive
from ragops.corpus.documents.types import Extract, Unparsable

_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
_NS = {name: f"{_OASIS}{name}:1.0" for name in ("office", "text", "table", "style", "drawing", "presentation")}
_NS |= {"dc": "http://purl.org/dc/elements/1.1/", "draw": _NS["drawing"], "svg": f"{_OASIS}svg-compatible:1.0"}
_MOST_REPEATED = 1_000  # equal cells or rows that are written once
_UNSEEN = ("office:annotation", "text:tracked-changes", "text:hidden-text", "text:hidden-paragraph", "text:ruby-text",
           "svg:title", "svg:desc")  # fmt: skip


def _q(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NS[prefix]}}}{local}"


_UNSEEN_TAGS = frozenset(map(_q, _UNSEEN))


def parse_odt(path: Path, limits: ParseLimits) -> Extract:
    """Headings, paragraphs, lists, tables and notes of a text."""
    document = _Document(path, limits)
    body = document.content.find(f".//{_q('office:text')}")
    text = "\n\n".join(document.blocks(body)) if body is not None else ""
    return Extract(text, title=document.title, warnings=document.warnings)


def parse_odp(path: Path, limits: ParseLimits) -> Extract:
    """Slides as pages, with their notes."""
    document = _Document(path, limits)
    slides = [slide for slide in document.content.iter(_q("draw:page")) if not document.is_hidden(slide)]
    if len(slides) > limits.max_pages:
        reason = f"too large: {len(slides):,} slides, at most {limits.max_pages:,} are allowed"
        raise Unparsable(reason, limit="max_pages")
    texts = ["\n\n".join(document.blocks(slide)) for slide in slides]
    pages = "\n\n".join(f"<!-- page: {number} -->\n\n{text}" for number, text in enumerate(texts, 1))
    return Extract(pages, title=document.title, pages=len(slides), warnings=document.warnings)


def parse_ods(path: Path, limits: ParseLimits) -> Extract:
    """The sheets that are shown, each with its name as a heading."""
    document = _Document(path, limits)
    sheets = []
    for sheet in document.content.iter(_q("table:table")):
        if not document.is_hidden(sheet):
            table = sheet_markdown(list(document.sheet_rows(sheet)))
            sheets += [f"## {sheet.get(_q('table:name'), '')}\n\n{table}"] if table else []
    return Extract("\n\n".join(sheets), title=document.title, warnings=document.warnings)


class _Document:
    def __init__(self, path: Path, limits: ParseLimits) -> None:
        check_archive(path, limits)
        with ZipFile(path) as archive:
            names = archive.namelist()
            if b"manifest:encryption-data" in archive.read("META-INF/manifest.xml"):
                raise Unparsable("encrypted: the file needs a password")
            self.content = _xml(archive.read("content.xml"))
            about = _xml(archive.read("meta.xml")) if "meta.xml" in names else None
        self.title = about.findtext(f".//{_q('dc:title')}") if about is not None else None
        pictures = sum(name.startswith("Pictures/") for name in names)
        self.warnings = (f"{pictures:,} pictures: left out",) if pictures else ()

    @cached_property
    def _hidden_styles(self) -> set[str]:
        """Styles of hidden words, sections, sheets and slides."""
        hidden = set()
        for style in self.content.iter(_q("style:style")):
            values = {etree.QName(key).localname: value for part in style for key, value in part.attrib.items()}
            off = values.get("display") in ("none", "false") or values.get("visibility") == "hidden"
            hidden |= {str(style.get(_q("style:name")))} if off else set()
        return hidden

    def is_hidden(self, element: etree._Element) -> bool:
        """Whether the element's style hides it, or it is a row or column that is hidden or filtered away."""
        styles = [value for key, value in element.attrib.items() if key.endswith("}style-name")]
        shown = element.get(_q("table:visibility"), "visible") == "visible"
        off = element.get(_q("text:display")) == "none"
        return off or not shown or any(style in self._hidden_styles for style in styles)

    def blocks(self, parent: etree._Element, depth: int = 0) -> Iterator[str]:
        """Markdown of the blocks in an element, in order."""
        for element in parent:
            name = etree.QName(element).localname if isinstance(element.tag, str) else ""
            if not name or self.is_hidden(element) or element.tag in _UNSEEN_TAGS:
                continue
            if name == "h":
                level = min(int(element.get(_q("text:outline-level"), "1")), 6)
                yield f"{'#' * level} {self.line(element)}"
            elif name == "p":
                yield from filter(None, [self.line(element), *self._frames(element)])
            elif name == "list":
                yield "\n".join(self._items(element, depth))
            elif name == "table":
                yield markdown_table([list(row.texts) for row in self.sheet_rows(element)])
            else:
                is_title = element.get(_q("presentation:class")) == "title"
                yield from (f"# {text}" if is_title else text for text in self.blocks(element, depth))

    def _frames(self, paragraph: etree._Element) -> Iterator[str]:
        """Text boxes and notes that stand in a paragraph."""
        for box in paragraph.iter(_q("draw:text-box"), _q("text:note-body")):
            yield from self.blocks(box)

    def _items(self, items: etree._Element, depth: int) -> Iterator[str]:
        for item in items.iterfind(_q("text:list-item")):
            for block in item:
                if block.tag == _q("text:list"):
                    yield from self._items(block, depth + 1)
                elif isinstance(block.tag, str) and not self.is_hidden(block):
                    yield f"{'  ' * depth}* {self.line(block)}"

    def line(self, element: etree._Element) -> str:
        """The text of a paragraph, heading or cell on one line, without boxes and notes in it."""
        return " ".join("".join(self._pieces(element)).split())

    def _pieces(self, element: etree._Element) -> Iterator[str]:
        yield element.text or ""
        for child in element:
            boxed = child.tag in (_q("draw:text-box"), _q("text:note-body"))
            if isinstance(child.tag, str) and not boxed and child.tag not in _UNSEEN_TAGS:
                if child.tag in (_q("text:s"), _q("text:tab"), _q("text:line-break")):
                    yield " "
                elif not self.is_hidden(child):
                    yield from self._pieces(child)
                    yield " " if child.tag == _q("text:p") else ""
            yield child.tail or ""

    def sheet_rows(self, sheet: etree._Element) -> Iterator[SheetRow]:
        """Rows with content; cells that span others are repeated, as are repeated cells and rows up to a limit."""
        number = 0
        below: dict[tuple[int, int], str] = {}
        hidden = self._hidden_columns(sheet)
        for row in sheet.iter(_q("table:table-row")):
            if next(row.iterancestors(_q("table:table"))) is not sheet or self.is_hidden(row):
                continue
            times = int(row.get(_q("table:number-rows-repeated"), "1"))
            texts, numeric = self._cells(row, number, below)
            kept = [column for column in range(len(texts)) if column not in hidden]
            places = frozenset(place for place, column in enumerate(kept) if column in numeric)
            for _ in range(min(times, _MOST_REPEATED) if any(texts) else 0):
                yield SheetRow(number, tuple(texts[column] for column in kept), places)
                number += 1
            number += 0 if any(texts) else times

    def _hidden_columns(self, sheet: etree._Element) -> set[int]:
        hidden: set[int] = set()
        column = 0
        for entry in sheet.iter(_q("table:table-column")):
            times = min(int(entry.get(_q("table:number-columns-repeated"), "1")), 20_000)
            hidden |= set(range(column, column + times)) if self.is_hidden(entry) else set()
            column += times
        return hidden

    def _cells(
        self, row: etree._Element, number: int, below: dict[tuple[int, int], str]
    ) -> tuple[list[str], frozenset[int]]:
        texts: list[str] = []
        numeric: set[int] = set()
        for cell in row.iterfind("*"):
            text = "; ".join(filter(None, (self.line(part) for part in cell.iter(_q("text:p"), _q("text:h")))))
            covered = cell.tag == _q("table:covered-table-cell")
            times = int(cell.get(_q("table:number-columns-repeated"), "1"))
            if not text and not covered and times > _MOST_REPEATED:
                break  # the empty rest of the row
            for _ in range(min(times, _MOST_REPEATED)):
                if text and cell.get(_q("office:value-type")) in ("float", "percentage", "currency"):
                    numeric.add(len(texts))
                self._span(cell, text, number, len(texts), below)
                texts.append(below.get((number, len(texts)), text) if covered or not text else text)
        return texts, frozenset(numeric)

    def _span(
        self, cell: etree._Element, text: str, number: int, column: int, below: dict[tuple[int, int], str]
    ) -> None:
        across = min(int(cell.get(_q("table:number-columns-spanned"), "1")), _MOST_REPEATED)
        down = min(int(cell.get(_q("table:number-rows-spanned"), "1")), _MOST_REPEATED)
        if text and (across > 1 or down > 1):
            below |= {(number + y, column + x): text for y in range(down) for x in range(across)}


def _xml(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
