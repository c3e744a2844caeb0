"""EPUB: the chapters of a book, each read as a web page."""

from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote
from zipfile import ZipFile

from bs4 import BeautifulSoup, Stylesheet
from lxml import etree

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.html import markdown_of
from ragops.corpus.documents.parsers.soup import parse_page
from ragops.corpus.documents.sniffing import check_archive
from ragops.corpus.documents.types import Extract, Unparsable

_NAMES = {"c": "urn:oasis:names:tc:opendocument:xmlns:container"}
_PAGES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document", "image/svg+xml")


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
        names = {name.lower(): name for name in archive.namelist()}
        for place in dict.fromkeys(_chapters(book, dirname(package))):
            name = names.get(place.lower())
            if name is None:
                warnings.append(f"chapter {place}: missing")
                continue
            page = parse_page(archive.read(name))
            _bring_sheets(page, archive, names, dirname(name))
            chapters.append(markdown_of(page).strip())
    title = book.findtext(".//{http://purl.org/dc/elements/1.1/}title")
    return Extract("\n\n".join(chapter for chapter in chapters if chapter), title=title, warnings=tuple(warnings))


def _xml(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def _package(archive: ZipFile) -> str:
    container = _xml(archive.read("META-INF/container.xml"))
    place = container.xpath("string(.//c:rootfile/@full-path)", namespaces=_NAMES)
    return str(place)


def _bring_sheets(page: BeautifulSoup, archive: ZipFile, names: dict[str, str], folder: str) -> None:
    """Puts the sheets of the book that a chapter refers to into it, since they may hide text."""
    for link in page.find_all("link", rel="stylesheet"):
        name = names.get(normpath(join(folder, unquote(str(link.get("href", ""))))).lower())
        if name is not None:
            sheet = page.new_tag("style")
            sheet.append(Stylesheet(archive.read(name).decode("utf-8", "replace")))
            link.replace_with(sheet)


def _chapters(book: etree._Element, folder: str) -> Iterator[str]:
    """The files of the chapters in reading order; all of the book's pages where it has no order."""
    items = {item.get("id"): item for item in book.iterfind(".//{*}manifest/{*}item")}
    order = [items.get(entry.get("idref")) for entry in book.iterfind(".//{*}spine/{*}itemref")]
    for item in [item for item in order if item is not None] or items.values():
        is_contents = "nav" in (item.get("properties") or "").split()
        if item.get("media-type") in _PAGES and not is_contents:
            yield normpath(join(folder, unquote((item.get("href") or "").partition("#")[0])))
