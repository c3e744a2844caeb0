"""The parts of an Office file, as XML, and the warnings about those that cannot be read."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Self
from zipfile import BadZipFile, ZipFile
from zlib import error as zlib_error

from lxml import etree

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.sniffing import check_archive

# Strict files have the names of ISO in place of those of ECMA.
_STRICT = {
    b"http://purl.oclc.org/ooxml/wordprocessingml/main": b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    b"http://purl.oclc.org/ooxml/drawingml/main": b"http://schemas.openxmlformats.org/drawingml/2006/main",
    b"http://purl.oclc.org/ooxml/drawingml/": b"http://schemas.openxmlformats.org/drawingml/2006/",
    b"http://purl.oclc.org/ooxml/presentationml/main": b"http://schemas.openxmlformats.org/presentationml/2006/main",
    b"http://purl.oclc.org/ooxml/spreadsheetml/main": b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    b"http://purl.oclc.org/ooxml/officeDocument/math": b"http://schemas.openxmlformats.org/officeDocument/2006/math",
    b"http://purl.oclc.org/ooxml/officeDocument/relationships": (
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    ),
}
_NAMESPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "w14": "http://schemas.microsoft.com/office/word/2010/wordml",
    "w15": "http://schemas.microsoft.com/office/word/2012/wordml",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
    "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "dc": "http://purl.org/dc/elements/1.1/",
    "pr": "http://schemas.openxmlformats.org/package/2006/relationships",
}
_UNTITLED = re.compile(
    r"(untitled|document|presentation|workbook|dokument|pr[aä]sentation|title|titel)?\s*\d*|"
    r"(microsoft (office )?)?(word|powerpoint|excel)\b.*",
    re.IGNORECASE,
)


@cache
def q(path: str) -> str:
    """A name with prefix, or a path of names, such as `w:pPr/w:jc`, as lxml has it: `{http://…}pPr/{http://…}jc`."""
    names = (name.split(":") for name in path.split("/"))
    return "/".join(f"{{{_NAMESPACES[prefix]}}}{local}" for prefix, local in names)


@dataclass(frozen=True)
class Relation:
    """A reference from one part to another: `kind` is the last word of its type, `target` a part or an address."""

    kind: str
    target: str
    external: bool


class Package:
    """An Office file. `warnings` names the parts that were found damaged."""

    def __init__(self, path: Path, limits: ParseLimits) -> None:
        """Opens a file. Raises Unparsable for zip bombs and encrypted files, BadZipFile for damaged ones."""
        check_archive(path, limits)
        self.warnings: list[str] = []
        self._archive = ZipFile(path)
        names = [name for name in self._archive.namelist() if not name.endswith("/")]
        self._names = {name.replace("\\", "/").lstrip("/").lower(): name for name in names}

    def __enter__(self) -> Self:
        """The package itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes the file."""
        self._archive.close()

    def names(self, folder: str) -> list[str]:
        """The parts whose name begins with `folder`, in lower case."""
        return [name for name in self._names if name.startswith(folder.lower())]

    def read(self, part: str) -> bytes | None:
        """The bytes of a part; None if it is missing, or damaged, which is a warning."""
        name = self._names.get(part.lower())
        if name is None:
            return None
        try:
            return self._archive.read(name)
        except (BadZipFile, zlib_error, EOFError, NotImplementedError) as error:
            self.warnings.append(f"{part} is damaged and was left out ({error})")
            return None

    def xml(self, part: str) -> etree._Element | None:
        """The root of a part; None as for `read`. Of damaged XML, what can be read."""
        data = self.read(part)
        return None if data is None else self.parse(data, part)

    def parse(self, data: bytes, part: str) -> etree._Element | None:
        """The root of XML text, with the names of transitional files; without external entities."""
        if b"purl.oclc.org/ooxml" in data:
            for strict, transitional in _STRICT.items():
                data = data.replace(strict, transitional)
        options = {"resolve_entities": False, "no_network": True, "remove_comments": True, "remove_pis": True}
        for recover in (False, True):
            try:
                root = etree.fromstring(data, etree.XMLParser(recover=recover, **options))
            except etree.XMLSyntaxError:
                root = None
            if root is not None:
                if recover:
                    self.warnings.append(f"{part} is damaged; what could be read of it was kept")
                return root
        self.warnings.append(f"{part} is damaged and was left out")
        return None

    def repaired(self) -> BytesIO:
        """The file with those parts only that can be read, and of damaged XML what can be read of it."""
        file = BytesIO()
        with ZipFile(file, "w") as archive:
            for part, name in self._names.items():
                if part.endswith((".xml", ".rels")):
                    root = self.xml(part)
                    if root is not None:
                        archive.writestr(name, etree.tostring(root))
        file.seek(0)
        return file

    def relations(self, part: str) -> dict[str, Relation]:
        """The references of a part by id; `""` gives those of the package."""
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        return dict(_relations(root, folder)) if root is not None else {}

    def main_part(self, fallback: str) -> str:
        """The part with the document, workbook or presentation; `fallback` where the file names none that exists."""
        for relation in self.relations("").values():
            if relation.kind == "officeDocument" and relation.target.lower() in self._names:
                return relation.target
        return fallback

    def title(self) -> str | None:
        """The title from the file's properties, unless it is one that Office itself gives."""
        root = self.xml("docProps/core.xml")
        title = " ".join((root.findtext(q("dc:title")) or "").split()) if root is not None else ""
        return None if _UNTITLED.fullmatch(title) else title


def _relations(root: etree._Element, folder: str) -> Iterator[tuple[str, Relation]]:
    for child in root.iter(q("pr:Relationship")):
        target = child.get("Target", "")
        external = child.get("TargetMode") == "External"
        if not external:
            target = posixpath.normpath(posixpath.join("/", folder, target.replace("\\", "/"))).lstrip("/")
        yield child.get("Id", ""), Relation(child.get("Type", "").rpartition("/")[2], target, external)
