"""Word files through mammoth, which is given a document in the few elements that it converts as Word shows them."""

import tempfile
import warnings as python_warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZipFile

import mammoth
from lxml import etree

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.ooxml import Package, Relation, q
from ragops.corpus.documents.parsers.word_html import to_markdown
from ragops.corpus.documents.parsers.word_numbering import Numbering
from ragops.corpus.documents.parsers.word_story import Stories
from ragops.corpus.documents.parsers.word_styles import Styles, is_on
from ragops.corpus.documents.sniffing import FORMATS
from ragops.corpus.documents.types import Extract, Unparsable

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_NESTED_CHUNKS = 3


def parse_docx(path: Path, limits: ParseLimits) -> Extract:
    """Headings with their numbers, lists, tables, notes, text boxes, headers and footers of a Word file.

    Revisions are accepted; comments and hidden text are left out. Raises Unparsable for zip bombs and encrypted files.
    """
    return _parse(path, limits, 0)


def _parse(path: Path, limits: ParseLimits, depth: int) -> Extract:
    with Package(path, limits) as package:
        part = package.main_part("word/document.xml")
        root = package.xml(part)
        body = root.find(q("w:body")) if root is not None else None
        if root is None or body is None:
            raise Unparsable("corrupt: no document inside")
        relations = package.relations(part)
        styles = Styles(package.xml(_part(relations, "styles", "word/styles.xml")))
        numbering = Numbering(package.xml(_part(relations, "numbering", "word/numbering.xml")), styles)
        stories = Stories(package, styles, numbering, lambda chunk: _alternative(package, chunk, limits, depth))
        stories.white_is_hidden = _is_plain(root)
        for kind in ("footnote", "endnote"):
            stories.read_notes(f"w:{kind}", _part(relations, f"{kind}s", f"word/{kind}s.xml"))
        edges = list(_edges(package, root, relations))
        stories.body(body, part)
        _add_edges(stories, body, edges)
        title = stories.title or (None if stories.has_heading else package.title())
        markdown = to_markdown(_html(body, stories.links, package), stories.blocks)
        return Extract(markdown, title=title, warnings=tuple(package.warnings))


def _html(body: etree._Element, links: dict[str, str], package: Package) -> str:
    """What mammoth makes of a body; its paragraphs alone where mammoth fails, as it may on damaged XML."""
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            return str(mammoth.convert_to_html(_plain_file(body, links), style_map="u => ").value)
    except Exception as error:  # mammoth and expat raise any type
        package.warnings.append(f"headings, lists and tables were not recognized ({type(error).__name__})")
        texts = ("".join(paragraph.itertext(q("w:t"))) for paragraph in body.iter(q("w:p")))
        return "".join(f"<p>{escape(text)}</p>" for text in texts if text.strip())


def _part(relations: dict[str, Relation], kind: str, fallback: str) -> str:
    return next((each.target for each in relations.values() if each.kind == kind and not each.external), fallback)


def _is_plain(root: etree._Element) -> bool:
    """Whether nothing lies behind the text of the pages: neither a color nor a picture."""
    behind = (anchor.get("behindDoc") in ("1", "true") for anchor in root.iter(q("wp:anchor")))
    return root.find(q("w:background")) is None and not any(behind)


def _edges(package: Package, root: etree._Element, relations: dict[str, Relation]) -> Iterator[tuple[str, str]]:
    """The headers and footers that pages show, as ("header" or "footer", part)."""
    settings = package.xml("word/settings.xml")
    even = settings is not None and is_on(settings.find(q("w:evenAndOddHeaders")))
    for section in root.iter(q("w:sectPr")):
        first = is_on(section.find(q("w:titlePg")))
        shown = {"default": True, "first": first, "even": even}
        for reference in section.iterchildren(q("w:headerReference"), q("w:footerReference")):
            relation = relations.get(reference.get(q("r:id"), ""))
            if relation is not None and shown.get(reference.get(q("w:type"), "default")):
                yield ("header" if reference.tag == q("w:headerReference") else "footer"), relation.target


def _add_edges(stories: Stories, body: etree._Element, edges: list[tuple[str, str]]) -> None:
    """Headers before the text, footers behind it; each text once."""
    seen: set[str] = set()
    before = 0
    for kind, part in dict.fromkeys(edges):
        for block in stories.edge(part):
            text = " ".join("".join(block.itertext()).split())
            if text not in seen:
                seen.add(text)
                body.insert(before, block) if kind == "header" else body.append(block)
                before += kind == "header"


def _alternative(package: Package, part: str, limits: ParseLimits, depth: int) -> str:
    """The Markdown of a part in another format, which Word shows in its place; '' with a warning if it is not read."""
    data = package.read(part)
    extension = PurePosixPath(part).suffix.lower()
    format = FORMATS.get(extension)
    if data is None or format not in ("html", "docx", "txt") or depth >= _NESTED_CHUNKS:
        package.warnings.append(f"{part}: an embedded document of this kind is not read")
        return ""
    from ragops.corpus.documents.parsers.registry import PARSERS

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"chunk{extension}"
        file.write_bytes(data)
        try:
            extract = _parse(file, limits, depth + 1) if format == "docx" else PARSERS[format].load()(file, limits)
        except Exception as error:  # libraries raise any type on damaged files
            package.warnings.append(f"{part}: an embedded document was not read ({error})")
            return ""
    package.warnings += extract.warnings
    return extract.markdown


def _plain_file(body: etree._Element, links: dict[str, str]) -> BytesIO:
    """A Word file of this body alone, with the styles and lists that mammoth is to see."""
    headings = (f'w:styleId="Heading{n}"><w:name w:val="heading {n}"/>' for n in range(1, 7))
    styles = "".join(f'<w:style w:type="paragraph" {heading}</w:style>' for heading in headings)
    formats = (("1", "bullet"), ("2", "decimal"))
    abstract = "".join(
        f'<w:abstractNum w:abstractNumId="{name}">'
        + "".join(f'<w:lvl w:ilvl="{n}"><w:numFmt w:val="{kind}"/></w:lvl>' for n in range(5))
        + "</w:abstractNum>"
        for name, kind in formats
    )
    numbers = "".join(f'<w:num w:numId="{name}"><w:abstractNumId w:val="{name}"/></w:num>' for name, _ in formats)
    targets = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/hyperlink" TargetMode="External" Target={quoteattr(target)}/>'
        for name, target in links.items()
    )
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r" Type="{_OFFICE}/officeDocument" '
        'Target="word/document.xml"/></Relationships>',
        "word/document.xml": etree.tostring(body.getroottree()),
        "word/styles.xml": f'<w:styles xmlns:w="{_W}">{styles}</w:styles>',
        "word/numbering.xml": f'<w:numbering xmlns:w="{_W}">{abstract}{numbers}</w:numbering>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{targets}</Relationships>',
    }
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    file.seek(0)
    return file
