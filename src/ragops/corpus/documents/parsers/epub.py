"""EPUB: the chapters of a book, each read as a web page."""

from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote
from zipfile import ZipFile

from lxml import etree

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.html import markdown_of
from ragops.corpus.documents.parsers.soup import parse_page
from ragops.corpus.documents.sniffing import check_archive
from ragops.corpus.documents.types import Extract, Unparsable

_NAMES = {"c": "urn:oasis:names:tc:opendocument:xmlns:container", "o": "http://www.idpf.org/2007/opf",
          "d": "http://purl.org/dc/elements/1.1/"}  # fmt: skip
_PAGES = ("application/xhtml+xml", "text/html")


def parse_epub(path: Path, limits: ParseLimits) -> Extract:
    """Chapters in reading order, title from the book. A chapter that is missing or damaged is left out.

    Raises:
        Unparsable: a zip bomb, or protected.
    """
    check_archive(path, limits)
    warnings: list[str] = []
    with ZipFile(path) as archive:
        if "META-INF/rights.xml" in archive.namelist():
            raise Unparsable("encrypted: the book is protected against copying")
        package = _package(archive)
        book = _xml(archive.read(package))
        chapters: list[str] = []
        for place in _chapters(book, dirname(package)):
            try:
                text = archive.read(place)
            except KeyError:
                warnings.append(f"chapter {place}: missing")
                continue
            chapters.append(markdown_of(parse_page(text)).strip())
    title = book.findtext(".//d:title", namespaces=_NAMES)
    return Extract("\n\n".join(chapter for chapter in chapters if chapter), title=title, warnings=tuple(warnings))


def _xml(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def _package(archive: ZipFile) -> str:
    container = _xml(archive.read("META-INF/container.xml"))
    place = container.xpath("string(.//c:rootfile/@full-path)", namespaces=_NAMES)
    return str(place)


def _chapters(book: etree._Element, folder: str) -> Iterator[str]:
    items = {item.get("id"): item for item in book.iterfind(".//o:manifest/o:item", _NAMES)}
    for entry in book.iterfind(".//o:spine/o:itemref", _NAMES):
        item = items.get(entry.get("idref"))
        if (
            item is not None
            and item.get("media-type") in _PAGES
            and "nav" not in (item.get("properties") or "").split()
        ):
            yield normpath(join(folder, unquote(item.get("href") or "")))
