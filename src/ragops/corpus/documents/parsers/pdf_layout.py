"""Positioned lines of pages to Markdown: headings, paragraphs, list items, code, and running headers and footers.

A PDF contains only positions of glyphs. The rules are the usual ones of text extraction: type larger than the body's
is a heading; a gap wider than between the body's lines, or a short line that ends a sentence, ends a paragraph; a
word that is divided at a line's end is joined; lines that recur at the edge of most pages are headers.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

SOFT_HYPHEN = "\x02"
"""PDFium's character for a hyphen that it considers a line break's."""

_SHY = "\xad"
_HYPHENS = f"-{SOFT_HYPHEN}{_SHY}\u2010"
_WORD = re.compile(r"\w+(?:[-\u2010]\w+)*")
_LAST = re.compile(r"\w+$")
_FIRST = re.compile(r"\w+")
# After "Haupt- und", "pre- and post-": the hyphen stands for the rest of the word.
_CONJUNCTIONS = {"und", "oder", "bzw", "sowie", "and", "or", "och", "eller", "og"}
_HEADING_RATIO = 1.08  # heading to body size
_HEADING_LENGTH = 200  # characters; longer text is large type, not a heading
_PARAGRAPH_GAP = 1.25  # distance of two lines, as a multiple of the usual distance
_CODE_GAP = 1.7
_COLUMN_WIDTH = 0.6  # advance of a fixed-pitch glyph, as a multiple of its size
_RUNNING_PAGES = 3
_RUNNING_SHARE = 0.6
_BULLET = re.compile(r"^[•◦▪‣●○■·∙–—*-]\s+")
_NUMBERED = re.compile(r"^(?:\d{1,2}|[a-z])[.)]\s")
_SENTENCE_END = re.compile(r"[.!?:;][\"'”’)\]]*$")


@dataclass(frozen=True)
class Line:
    """A line of text; positions and size in points from the lower left corner of the page."""

    text: str
    left: float
    right: float
    baseline: float
    size: float
    fixed_pitch: bool = False
    alone: bool = False
    """Whether it is a paragraph of its own, such as the row of a form."""
    is_table: bool = False
    """Whether it is a whole table in Markdown."""


@dataclass(frozen=True)
class Typography:
    """A document's typical type: the body's size and line distance (in points), and larger sizes, largest first.

    `words`: those of the document in small letters, with hyphens; they tell a divided word from a compound.
    """

    body: float
    pitch: float
    headings: tuple[float, ...]
    words: frozenset[str] = frozenset()

    def heading_level(self, line: Line) -> int | None:
        """1 for the largest type, at most 6; None for body type and smaller."""
        if line.fixed_pitch or _rounded(line.size) not in self.headings:
            return None
        return min(self.headings.index(_rounded(line.size)) + 1, 6)


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def measure(pages: Sequence[Sequence[Line]]) -> Typography:
    """Measures the typical sizes and distances; the body's are those of most characters."""
    characters = Counter[float]()
    for line in (line for page in pages for line in page):
        characters[_rounded(line.size)] += len(line.text)
    body = characters.most_common(1)[0][0] if characters else 0.0
    distances = [
        above.baseline - line.baseline
        for page in pages
        for above, line in pairwise(page)
        if _rounded(line.size) == body and 0 < above.baseline - line.baseline < 3 * body
    ]
    larger = sorted((size for size in characters if size >= _HEADING_RATIO * body), reverse=True)
    lines = [line.text for page in pages for line in page]
    words = _words(lines) if any(line[-1:] in _HYPHENS for line in lines) else frozenset[str]()
    return Typography(body, median(distances) if distances else 1.2 * body, tuple(larger), words)


def _words(lines: Iterable[str]) -> frozenset[str]:
    """Words of the lines; not those that a hyphen ends."""
    return frozenset(word for line in lines for word in _WORD.findall(line.rstrip(_HYPHENS).casefold()))


def without_running_lines(pages: Sequence[Sequence[Line]], typography: Typography) -> list[list[Line]]:
    """Removes running headers, running footers and page numbers except where they first appear.

    These are lines at the edge of most pages that are not headings and differ only in their numbers.
    """
    seen = Counter(key for page in pages for key in {_running_key(page[index]) for index in _edges(page, typography)})
    enough = max(_RUNNING_PAGES, _RUNNING_SHARE * len(pages))
    recurring = {key for key, count in seen.items() if count >= enough}
    shown: set[tuple[str, int]] = set()
    kept = []
    for page in pages:
        edges = {index: _running_key(page[index]) for index in _edges(page, typography)}
        dropped = {index for index, key in edges.items() if key in recurring & shown}
        kept.append([line for index, line in enumerate(page) if index not in dropped])
        shown.update(edges.values())
    return kept


def _edges(page: Sequence[Line], typography: Typography) -> set[int]:
    """Indices of the first two and last two lines that are not headings."""
    edges = {*range(len(page))[:2], *range(len(page))[-2:]}
    return {index for index in edges if not page[index].is_table and typography.heading_level(page[index]) is None}


def _running_key(line: Line) -> tuple[str, int]:
    """Equal for lines at the same height that differ only in their numbers."""
    return re.sub(r"\d+", "#", line.text), round(line.baseline)


def to_markdown(lines: Sequence[Line], typography: Typography) -> str:
    """Markdown of one page."""
    right_edge = max((line.right for line in lines), default=0.0)
    blocks = [_render(block, typography) for block in _blocks(lines, typography, right_edge)]
    items = [block.startswith("- ") for block in blocks]
    gaps = ["\n" if pair == (True, True) else "\n\n" for pair in pairwise(items)]
    return "".join(part for pair in zip(blocks, [*gaps, ""], strict=False) for part in pair)


def _blocks(lines: Iterable[Line], typography: Typography, right_edge: float) -> Iterator[list[Line]]:
    block: list[Line] = []
    for line in lines:
        if block and _starts_block(block[-1], line, typography, right_edge):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _starts_block(above: Line, line: Line, typography: Typography, right_edge: float) -> bool:
    if above.alone or line.alone:
        return True
    if above.fixed_pitch or line.fixed_pitch:
        return above.fixed_pitch != line.fixed_pitch
    if _rounded(above.size) != _rounded(line.size) or _BULLET.match(line.text) or _NUMBERED.match(line.text):
        return True
    distance = above.baseline - line.baseline
    ends = bool(_SENTENCE_END.search(above.text))
    if distance <= 0:  # the next column
        return ends
    usual = typography.pitch * max(1.0, line.size / max(typography.body, 1.0))
    return distance > _PARAGRAPH_GAP * usual or (ends and above.right < right_edge - 6 * line.size)


def _render(block: Sequence[Line], typography: Typography) -> str:
    if block[0].is_table:
        return block[0].text.replace(SOFT_HYPHEN, "-")
    if block[0].fixed_pitch:
        return _code(block)
    text = _BULLET.sub("- ", _join((line.text for line in block), typography.words))
    level = typography.heading_level(block[0])
    if level and len(text) <= _HEADING_LENGTH and any(character.isalpha() for character in text):
        return f"{'#' * level} {text}"
    return text


def _join(lines: Iterable[str], words: Set[str]) -> str:
    """Joins lines, and the parts of words that are divided at their ends."""
    text = ""
    for line in lines:
        if text[-1:] in _HYPHENS and (parts := _parts(text, line)):
            text = _connected(text, line, *parts, words)
        else:
            text = f"{text} {line}" if text else line
    return text.replace(SOFT_HYPHEN, "-")


def _parts(text: str, line: str) -> tuple[str, str] | None:
    """The letters and digits around a hyphen that ends a line."""
    before, after = _LAST.search(text[:-1]), _FIRST.match(line)
    return (before[0], after[0]) if before and after else None


def _connected(text: str, line: str, before: str, after: str, words: Set[str]) -> str:
    """A divided word loses its hyphen, a compound (Baden-Württemberg) keeps it, "pre- and" is two words."""
    together, with_hyphen = f"{before}{after}".casefold(), f"{before}-{after}".casefold()
    if with_hyphen in words and together not in words:
        return f"{text[:-1]}-{line}"
    if after in _CONJUNCTIONS and together not in words:
        return f"{text[:-1]}- {line}"
    is_divided = before[-1].isalpha() and after[0].isalpha() and (not after[0].isupper() or before.isupper())
    if is_divided or text.endswith(_SHY):
        return text[:-1] + line
    return f"{text[:-1]}-{line}"


def _code(block: Sequence[Line]) -> str:
    """A fenced block; indentation is counted in columns from the leftmost line."""
    left = min(line.left for line in block)
    usual = 1.2 * block[0].size
    rows: list[str] = []
    for index, line in enumerate(block):
        if index and block[index - 1].baseline - line.baseline > _CODE_GAP * usual:
            rows.append("")
        column = round((line.left - left) / (_COLUMN_WIDTH * line.size)) if line.size else 0
        rows.append(" " * column + line.text.replace(SOFT_HYPHEN, "-"))
    fence = "~~~~" if any("```" in row for row in rows) else "```"
    return "\n".join([fence, *rows, fence])
