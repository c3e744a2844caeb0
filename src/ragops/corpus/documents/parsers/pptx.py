"""PowerPoint files, from their XML.

python-pptx fails on shapes without geometry and has had no release since 2024; office-oxide 0.1 reads hidden shapes,
loses equations and writes its errors into the text.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.ooxml import Package, Relation, q
from ragops.corpus.documents.parsers.slide_layout import Frame, Layouts
from ragops.corpus.documents.parsers.slide_text import SlideReader
from ragops.corpus.documents.types import Extract, Unparsable

_SLIDE_NUMBER = re.compile(r"slide(\d+)\.xml$")


def parse_pptx(path: Path, limits: ParseLimits) -> Extract:
    """Slides as pages, titles as headings, speakers' notes below; texts that all slides show once.

    Hidden slides and shapes and reviewers' comments are left out. Raises Unparsable for zip bombs, encrypted files and
    too many slides.
    """
    with Package(path, limits) as package:
        part = package.main_part("ppt/presentation.xml")
        root = package.xml(part)
        slides = _slides(package, root, part)
        if len(slides) > limits.max_pages:
            reason = f"too large: {len(slides):,} slides, at most {limits.max_pages:,} are allowed"
            raise Unparsable(reason, limit="max_pages")
        deck = _Deck(package, _size(root))
        pages = [f"<!-- page: {number} -->\n\n{deck.slide(number, slide)}" for number, slide in enumerate(slides, 1)]
        markdown = "\n\n".join(pages)
        has_heading = re.search(r"^# ", markdown, re.MULTILINE)
        title = None if has_heading else package.title()
        return Extract(markdown, title=title, pages=len(slides), warnings=tuple(package.warnings))


def _slides(package: Package, root: etree._Element | None, part: str) -> list[str]:
    """The parts of the slides in their order."""
    relations = package.relations(part)
    names = [each.get(q("r:id"), "") for each in root.iter(q("p:sldId"))] if root is not None else []
    slides = [relations[name].target for name in names if name in relations]
    if slides or root is not None:
        return slides
    found = [(int(match[1]), name) for name in package.names("ppt/slides/") if (match := _SLIDE_NUMBER.search(name))]
    return [name for _, name in sorted(found)]


def _size(root: etree._Element | None) -> Frame:
    size = root.find(q("p:sldSz")) if root is not None else None
    if size is None:
        return Frame(-(10**9), -(10**9), 10**9, 10**9)
    return Frame(0, 0, int(size.get("cx", "0")), int(size.get("cy", "0")))


class _Deck:
    """Reads slides one after the other; remembers which texts of masters and footers have been read."""

    def __init__(self, package: Package, size: Frame) -> None:
        self._package = package
        self._size = size
        self._repeated: set[str] = set()
        self._roots: dict[str, tuple[etree._Element | None, dict[str, Relation]]] = {}

    def slide(self, number: int, part: str) -> str:
        """The Markdown of a slide; '' if it has no text or cannot be read."""
        root = self._package.xml(part)
        relations = self._package.relations(part)
        if root is None:
            self._package.warnings.append(f"slide {number}: missing or damaged, left out")
            return ""
        if root.get("show") in ("0", "false"):
            self._package.warnings.append(f"slide {number}: hidden, left out")
            return ""
        behind = list(self._behind(root, relations))
        layouts = Layouts([each for _, each in behind])
        reader = SlideReader(self._package, relations, layouts, self._size, f"slide {number}")
        tree = _tree(root)
        texts = reader.texts(tree) if tree is not None else []
        repeated = reader.edges(tree) if tree is not None else []
        for name, each in behind:
            fixed = SlideReader(self._package, self._load(name)[1], layouts, self._size, f"slide {number}")
            other = _tree(each)
            repeated += fixed.fixed(other) if other is not None and _is_shown(root, each) else []
        texts += [text for text in repeated if text not in self._repeated]
        self._repeated.update(repeated)
        notes = self._notes(relations)
        return "\n\n".join([*texts, *([f"### Notes\n\n{notes}"] if notes else [])])

    def _behind(self, root: etree._Element, relations: dict[str, Relation]) -> Iterator[tuple[str, etree._Element]]:
        """The layout and the master of a slide."""
        for kind in ("slideLayout", "slideMaster"):
            part = next((each.target for each in relations.values() if each.kind == kind), None)
            if part is None:
                return
            found, relations = self._load(part)
            if found is None:
                return
            yield part, found

    def _load(self, part: str) -> tuple[etree._Element | None, dict[str, Relation]]:
        if part not in self._roots:
            self._roots[part] = self._package.xml(part), self._package.relations(part)
        return self._roots[part]

    def _notes(self, relations: dict[str, Relation]) -> str:
        """What the speaker's notes say, without the picture of the slide and the page number."""
        part = next((each.target for each in relations.values() if each.kind == "notesSlide"), None)
        root = self._package.xml(part) if part is not None else None
        tree = _tree(root) if root is not None else None
        if tree is None or part is None:
            return ""
        reader = SlideReader(self._package, self._package.relations(part), Layouts([]), _size(None), "notes")
        return "\n\n".join(reader.texts(tree))


def _tree(root: etree._Element) -> etree._Element | None:
    return root.find(q("p:cSld/p:spTree"))


def _is_shown(slide: etree._Element, behind: etree._Element) -> bool:
    """Whether a slide shows the shapes of its layout and master."""
    return slide.get("showMasterSp", "1") not in ("0", "false") and behind.tag in (q("p:sldLayout"), q("p:sldMaster"))
