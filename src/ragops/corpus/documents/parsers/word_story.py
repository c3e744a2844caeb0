"""Word stories in the few elements that mammoth converts: headings with numbers, lists, tables, text boxes as text."""

import re
from collections.abc import Callable, Iterator
from itertools import count

from lxml import etree

from ragops.corpus.documents.parsers.drawings import chart_text, description, diagram_text
from ragops.corpus.documents.parsers.ooxml import Package, Relation, q
from ragops.corpus.documents.parsers.word_numbering import Label, Numbering, format_number
from ragops.corpus.documents.parsers.word_styles import Styles, is_on
from ragops.corpus.documents.parsers.word_visible import drop, keep_visible, text_run

LABEL_START, LABEL_END = "\ue000", "\ue001"
"""Around the number of a list item in the text, so that it replaces the number that HTML would count."""
BLOCK_START, BLOCK_END = "\ue002", "\ue003"
"""Around the index of a piece of Markdown that takes the place of a paragraph."""
BULLETS, NUMBERS = "1", "2"
"""The two lists of mammoth's input."""

_VAL = q("w:val")
_DRAWINGS = tuple(map(q, ("w:drawing", "w:pict", "w:object")))
_PAGE_FIELD = re.compile(r"\s*(PAGE|NUMPAGES|SECTIONPAGES|SECTION)\b", re.IGNORECASE)
_BLOCKS = (q("w:p"), q("w:tbl"))
_REFERENCES = ("r:id", "r:dm", "r:link", "r:embed")


class Stories:
    """Converts the stories of one document; `links` and `blocks` are what their Markdown refers to."""

    def __init__(
        self, package: Package, styles: Styles, numbering: Numbering, alternative: Callable[[str], str]
    ) -> None:
        """`alternative` gives the Markdown of a part in another format (`w:altChunk`)."""
        self.links: dict[str, str] = {}
        self.blocks: list[str] = []
        self.title: str | None = None
        self.has_heading = False
        self.white_is_hidden = True
        self._package = package
        self._styles = styles
        self._numbering = numbering
        self._alternative = alternative
        self._notes: dict[tuple[str, str], list[etree._Element]] = {}
        self._note_numbers = {"w:footnoteReference": count(1), "w:endnoteReference": count(1)}

    def read_notes(self, kind: str, part: str) -> None:
        """Keeps the notes of a part for the places that refer to them; `kind` is `w:footnote` or `w:endnote`."""
        root = self._package.xml(part)
        for note in root.findall(q(kind)) if root is not None else ():
            if note.get(q("w:type"), "normal") == "normal":
                self._clean(note, self._package.relations(part))
                self._notes[f"{kind}Reference", note.get(q("w:id"), "")] = list(note.iterchildren(*_BLOCKS))

    def body(self, body: etree._Element, part: str) -> None:
        """Changes the main story: notes stand before the next heading, below the text that refers to them."""
        self._clean(body, self._package.relations(part))
        self._number(body)
        waiting: list[etree._Element] = []
        for block in list(body):
            if waiting and _is_heading(block):
                for note in waiting:
                    block.addprevious(note)
                waiting = []
            waiting += self._notes_in(block)
        body.extend(waiting)

    def edge(self, part: str) -> list[etree._Element]:
        """The paragraphs and tables of a header or footer, without page numbers."""
        root = self._package.xml(part)
        if root is None:
            return []
        for paragraph in list(root.iter(q("w:p"))):
            _drop_page_numbers(paragraph)
        self._clean(root, self._package.relations(part))
        for paragraph in root.iter(q("w:p")):
            properties = paragraph.find(q("w:pPr"))
            if properties is not None:
                paragraph.remove(properties)
        return [block for block in root.iterchildren(*_BLOCKS) if "".join(block.itertext()).strip()]

    def _clean(self, root: etree._Element, relations: dict[str, Relation]) -> None:
        keep_visible(root, self._styles, self.white_is_hidden)
        for box in list(root.iter(*_DRAWINGS)):
            self._replace_drawing(box, relations)
        for chunk in list(root.iter(q("w:altChunk"))):
            relation = relations.get(chunk.get(q("r:id"), ""))
            markdown = self._alternative(relation.target) if relation and not relation.external else ""
            chunk.addprevious(self._block(markdown))
            drop(chunk)
        for link in root.iter(q("w:hyperlink")):
            self._keep_link(link, relations)
        for table in root.iter(q("w:tbl")):
            _repair_table(table)
        for field in root.iter(q("w:ddList")):
            _show_choice(field)

    def _keep_link(self, link: etree._Element, relations: dict[str, Relation]) -> None:
        """Keeps a link to an address; one to a place in the document is text."""
        relation = relations.get(link.attrib.pop(q("r:id"), ""))
        link.attrib.pop(q("w:anchor"), None)
        if relation is not None and relation.external:
            name = f"link{len(self.links)}"
            self.links[name] = relation.target
            link.set(q("r:id"), name)

    def _block(self, markdown: str) -> etree._Element:
        """A paragraph that is replaced by Markdown after the conversion."""
        self.blocks.append(markdown)
        paragraph = etree.Element(q("w:p"))
        paragraph.append(text_run(f"{BLOCK_START}{len(self.blocks) - 1}{BLOCK_END}"))
        return paragraph

    def _replace_drawing(self, drawing: etree._Element, relations: dict[str, Relation]) -> None:
        """Moves what a drawing says out of it: the description stays in the line, the rest follows the paragraph."""
        if drawing.getparent() is None:
            return
        anchor = next(iter(drawing.iterancestors(q("w:p"))), None)
        if anchor is not None:
            after = [block for box in _outer_boxes(drawing) for block in box.iterchildren(*_BLOCKS)]
            after += [self._block(text) for text in self._parts(drawing, relations) if text]
            for block in reversed(after):
                anchor.addnext(block)
        words = [*_descriptions(drawing), *(path.get("string", "") for path in drawing.iter(q("v:textpath")))]
        text = " ".join(" ".join(words).split())
        if text:
            drawing.addprevious(text_run(text)[0])
        drop(drawing)

    def _parts(self, drawing: etree._Element, relations: dict[str, Relation]) -> Iterator[str]:
        """The texts of charts and SmartArt, and warnings about what is not read."""
        for element in drawing.iter(q("c:chart"), q("dgm:relIds"), q("o:OLEObject"), q("a:blip")):
            name = next((value for key in _REFERENCES if (value := element.get(q(key)))), None)
            relation = relations.get(name or "")
            if relation is None:
                continue
            if element.tag == q("c:chart"):
                yield chart_text(self._package.xml(relation.target))
            elif element.tag == q("dgm:relIds"):
                yield diagram_text(self._package.xml(relation.target))
            elif element.tag == q("o:OLEObject") and "Equation" not in element.get("ProgID", ""):
                kind = element.get("ProgID", "") or "object"
                self._package.warnings.append(f"an embedded {kind} was left out")
            elif relation.external:
                self._package.warnings.append("a linked picture was left out")

    def _number(self, body: etree._Element) -> None:
        """Gives headings and list items their numbers, and each paragraph one of the styles that mammoth knows."""
        depths: list[int] = []
        for paragraph in body.iter(q("w:p")):
            label = None if _is_deleted(paragraph) else self._numbering.label(paragraph)
            level = self._heading_level(paragraph)
            properties = paragraph.find(q("w:pPr"))
            if properties is not None:
                paragraph.remove(properties)
            has_text = any(_has_content(paragraph))
            if level is not None and has_text:
                self.has_heading |= level == 1 and not (label and label.text)  # a numbered one names a part
                _drop_emphasis(paragraph)
                self._set_properties(paragraph, "w:pStyle", f"Heading{min(level, 6)}")
                if label and label.text:
                    paragraph.insert(1, text_run(label.text))
                depths = []
            elif label and has_text:
                depths = [depth for depth in depths if depth < label.level]
                self._make_item(paragraph, label, len(depths))
                depths.append(label.level)
            elif has_text:
                depths = []

    def _heading_level(self, paragraph: etree._Element) -> int | None:
        """The level of a heading; none in a table of rows and columns, whose cells must stay on one line."""
        is_title = self._styles.is_title(paragraph)
        level = 1 if is_title else self._styles.heading_level(paragraph)
        if level is None or any(_is_grid(table) for table in paragraph.iterancestors(q("w:tbl"))):
            return None
        if is_title and self.title is None:
            self.title = " ".join("".join(paragraph.itertext(q("w:t"))).split()) or None
        return level

    def _make_item(self, paragraph: etree._Element, label: Label, depth: int) -> None:
        numbers = etree.Element(q("w:numPr"))
        etree.SubElement(numbers, q("w:ilvl")).set(_VAL, str(min(depth, 4)))
        etree.SubElement(numbers, q("w:numId")).set(_VAL, NUMBERS if label.text else BULLETS)
        properties = etree.Element(q("w:pPr"))
        properties.append(numbers)
        paragraph.insert(0, properties)
        if label.text:
            paragraph.insert(1, text_run(f"{LABEL_START}{label.text.strip()}{LABEL_END}"))

    def _set_properties(self, paragraph: etree._Element, name: str, value: str) -> None:
        properties = etree.Element(q("w:pPr"))
        etree.SubElement(properties, q(name)).set(_VAL, value)
        paragraph.insert(0, properties)

    def _notes_in(self, block: etree._Element) -> list[etree._Element]:
        """Marks the references in a block, and returns the paragraphs of their notes."""
        found: list[etree._Element] = []
        for kind, numbers in self._note_numbers.items():
            for reference in list(block.iter(q(kind))):
                note = self._notes.pop((kind, reference.get(q("w:id"), "")), None)
                if note is not None:
                    number = next(numbers)
                    mark = f"[^{number if kind == 'w:footnoteReference' else format_number(number, 'lowerRoman')}]"
                    reference.addprevious(text_run(mark)[0])
                    first = next((each for each in note if each.tag == q("w:p")), None)
                    if first is not None:
                        first.insert(1 if first.find(q("w:pPr")) is not None else 0, text_run(f"{mark}: "))
                    found += note
                drop(reference)
        return found


def _outer_boxes(drawing: etree._Element) -> list[etree._Element]:
    boxes = list(drawing.iter(q("w:txbxContent")))
    return [box for box in boxes if not any(outer in boxes for outer in box.iterancestors(q("w:txbxContent")))]


def _descriptions(drawing: etree._Element) -> Iterator[str]:
    """The descriptions of pictures, except names of files."""
    for properties in drawing.iter(q("wp:docPr"), q("v:shape")):
        yield description(properties.get("descr") or properties.get("alt") or "")


def _is_heading(block: etree._Element) -> bool:
    style = block.find(q("w:pPr/w:pStyle"))
    return style is not None and style.get(_VAL, "").startswith("Heading")


def _is_deleted(paragraph: etree._Element) -> bool:
    return paragraph.find(q("w:pPr/w:rPr/w:del")) is not None


def _is_grid(table: etree._Element) -> bool:
    rows = table.findall(q("w:tr"))
    return len(rows) > 1 and any(len(row.findall(q("w:tc"))) > 1 for row in rows)


def _has_content(paragraph: etree._Element) -> Iterator[bool]:
    for text in paragraph.iter(q("w:t")):
        yield bool((text.text or "").strip())
    yield next(paragraph.iter(q("w:footnoteReference"), q("w:endnoteReference")), None) is not None


def _drop_emphasis(paragraph: etree._Element) -> None:
    for properties in list(paragraph.iter(q("w:rPr"))):
        drop(properties)


def _repair_table(table: etree._Element) -> None:
    """Fills in cells that rows leave out, and joins those that the old format merges."""
    for row in table.iterchildren(q("w:tr")):
        properties = row.find(q("w:trPr"))
        if properties is not None:
            before = properties.find(q("w:gridBefore"))
            first = row.find(q("w:tc"))
            if before is not None and first is not None and before.get(_VAL, "").isdigit():
                first.addprevious(_empty_cell(int(before.get(_VAL, "0"))))
            header = properties.find(q("w:tblHeader"))
            if header is not None and not is_on(header):
                properties.remove(header)
        _join_merged(row)


def _empty_cell(columns: int) -> etree._Element:
    cell = etree.Element(q("w:tc"))
    properties = etree.SubElement(cell, q("w:tcPr"))
    etree.SubElement(properties, q("w:gridSpan")).set(_VAL, str(min(columns, 64)))
    return cell


def _join_merged(row: etree._Element) -> None:
    """Cells merged in the old way (`w:hMerge`) as one that spans columns."""
    first: etree._Element | None = None
    for cell in list(row.iterchildren(q("w:tc"))):
        merge = cell.find(q("w:tcPr/w:hMerge"))
        if merge is None:
            first = None
        elif merge.get(_VAL) == "restart":
            first = cell
        elif first is not None:
            properties = first.find(q("w:tcPr"))
            span = properties.find(q("w:gridSpan"))
            if span is None:
                span = etree.SubElement(properties, q("w:gridSpan"))
            span.set(_VAL, str(int(span.get(_VAL, "1")) + 1))
            row.remove(cell)


def _show_choice(field: etree._Element) -> None:
    """The chosen entry of an old drop-down field, which is not in the text."""
    chosen = field.find(q("w:result"))
    entries = field.findall(q("w:listEntry"))
    index = int(chosen.get(_VAL, "0")) if chosen is not None and chosen.get(_VAL, "").isdigit() else 0
    mark = next(iter(field.iterancestors(q("w:r"))), None)
    if mark is not None and index < len(entries):
        mark.addprevious(text_run(entries[index].get(_VAL, "")))


def _drop_page_numbers(paragraph: etree._Element) -> None:
    """Removes page numbers, and the paragraph's text where little else is in it ("Page 3 of 9")."""
    found = False
    for simple in list(paragraph.iter(q("w:fldSimple"))):
        if _PAGE_FIELD.match(simple.get(q("w:instr"), "")):
            drop(simple)
            found = True
    fields: list[bool] = []
    for run in list(paragraph.iter(q("w:r"))):
        mark = run.find(q("w:fldChar"))
        kind = mark.get(q("w:fldCharType")) if mark is not None else None
        if kind == "begin":
            fields.append(False)
        instruction = "".join(text.text or "" for text in run.iter(q("w:instrText")))
        if fields and _PAGE_FIELD.match(instruction):
            fields[-1] = found = True
        if fields and fields[-1]:
            for text in list(run.iter(q("w:t"))):
                drop(text)
        if kind == "end" and fields:
            fields.pop()
    words = re.findall(r"\w+", "".join(text.text or "" for text in paragraph.iter(q("w:t"))))
    if found and len(words) <= 2:
        for text in list(paragraph.iter(q("w:t"))):
            drop(text)
