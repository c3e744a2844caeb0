"""What of a passage may be quoted: sentences, items of lists and rows of tables, but no headings and no code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise

from ragops.corpus.chunks.atoms import sentences
from ragops.corpus.chunks.blocks import Block
from ragops.corpus.chunks.structure import read_sections, read_source
from ragops.corpus.index.stores.terms import tokenize

# What reads less well alone: a line or an item that ends no sentence, "as follows:" before something that cannot be
# quoted, and what is too long for an answer. A sentence that fits as well is preferred.
_FRAGMENT, _ANNOUNCEMENT, _TOO_LONG = 0.6, 0.8, 0.5
_LONGEST = 100  # words
_LONGEST_LIST = 40  # words of a list that is quoted as a whole, with the sentence that announces it
_MIN_WORDS = 3
_MIN_TERMS = 6  # of a text without spaces between words: a pair of characters is a term

_MARK = re.compile(r"\s*(?:[-*+•◦▪‣–]|\(?(?:\d{1,3}|[a-z])[.)]|\[\d{1,3}\])[ \t]+")
_FENCED = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_BLANK_LINE = re.compile(r"\n\s*\n")
_QUOTED = re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE)
# Headings, rows outside of a table, HTML and comments, fences, objects, and lines of an interactive session.
_NOT_PROSE = re.compile(r"\s*(?:#{1,6}\s|\||<[!/a-zA-Z]|```|~~~|\{|>>>|\$ |[^\n]+\n[ \t]*(?:-{2,}|={2,})\s*\Z)")
_BEFORE_MARK = re.compile(r"\n(?=[ \t]*(?:[•◦▪‣]|\(?[a-z\d]{1,2}\))[ \t])")  # Markdown knows other marks only
_CLOSED = re.compile(r"[.!?…。！？][\"'”’」』）)\]*_`]*$")
_LINKED = re.compile(r"[,;]?(?:\s(?:and|or))?$")  # how an item of an enumeration ends
_CELL = re.compile(r"(?<!\\)\|")
_PLAIN = re.compile(r"[\"'“”‘’(\[*_`]*[^\W\d_]+(?:['’\-/][^\W\d_]+)*[\"'“”‘’)\]*_`.,;:!?…]*")
_REFERS_BACK = re.compile(r"(?:It|This|These|They|Those|Such|Otherwise)\b")


@dataclass(frozen=True, slots=True)
class Quotable:
    """A sentence, an item or a row.

    Attributes:
        text: on one line, without the marks of lists; a row as "column: cell; ...".
        weight: how well it reads alone, 0 to 1.
        refers_back: whether it needs the one before it, as "It ..." does.
    """

    text: str
    weight: float = 1.0
    refers_back: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """A paragraph or a list's item, or "" where something that cannot be quoted stands between two of them."""

    text: str
    is_item: bool = False


def quotable(passage: str) -> Iterator[Quotable]:
    """What of a passage in Markdown may be quoted, in reading order."""
    source = read_source(passage)
    for section in read_sections(source):
        parts: list[_Part] = []
        for block in section.blocks:
            if block.frame and block.frame[0] and not block.frame[0].lstrip().startswith(("```", "~~~")):
                yield from _prose(parts)
                yield from _rows(block.frame[0], source.text[slice(*block.body)])
                parts = []
            else:
                parts += _parts(source.text, block)
        yield from _prose(parts)


def _prose(parts: Sequence[_Part]) -> Iterator[Quotable]:
    announcement: Quotable | None = None
    for is_item, run in groupby(parts, key=lambda part: part.is_item):
        texts = [part.text for part in run]
        if is_item:
            yield from _items(announcement.text if announcement else "", texts)
            announcement = None
            continue
        for text in texts:
            if announcement:
                yield announcement
            *found, last = _sentences(text) or [Quotable("")]
            yield from found
            announcement = last if last.text.endswith(":") else None
            if last.text and not announcement:
                yield last
    if announcement:
        yield announcement


def _items(announcement: str, items: Sequence[str]) -> Iterator[Quotable]:
    """A short list of fragments as a whole; else its announcement with the first items, and each item."""
    shown = [_LINKED.sub("", " ".join(item.split())) for item in items if item]
    lengths = accumulate((len(one.split()) for one in shown), initial=len(announcement.split()))
    fitting = sum(length <= _LONGEST_LIST for length in lengths) - 1
    if announcement:
        left_out = ["..."] if fitting < len(shown) else []
        yield Quotable(f"{announcement} {'; '.join([*shown[: max(0, fitting)], *left_out])}")
    if announcement and fitting == len(shown) and not any(map(_CLOSED.search, shown)):
        return
    for item, one in zip(filter(None, items), shown, strict=True):
        if announcement and not _CLOSED.search(one):
            yield Quotable(f"{announcement} {one}")
        else:
            yield from _sentences(item)


def _sentences(text: str) -> list[Quotable]:
    """The sentences of a paragraph or item; those that are code or too short are left out."""
    found, follows = [], False
    for sentence in sentences(text):
        one = " ".join(sentence.split())
        readable = _is_readable(one)
        if readable:
            found.append(Quotable(one, _weight(one), follows and _REFERS_BACK.match(one) is not None))
        follows = readable
    return found


def _weight(text: str) -> float:
    if len(text.split()) > _LONGEST:
        return _TOO_LONG
    return 1.0 if _CLOSED.search(text) else _ANNOUNCEMENT if text.endswith(":") else _FRAGMENT


def _is_readable(text: str) -> bool:
    """Whether at least half of it are plain words, unlike in code, and it is long enough to state something."""
    words = text.split()
    plain = sum(_PLAIN.fullmatch(word) is not None for word in words)
    stated = len(words) >= _MIN_WORDS and 2 * plain >= len(words)  # "Opening hours: 9-17" does
    return stated or (not text.isascii() and len(tokenize(text)) >= _MIN_TERMS)


def _parts(text: str, block: Block) -> Iterator[_Part]:
    """The paragraphs and items of a block; nothing but a break of a block of code."""
    if not block.prose:
        yield _Part("")
        return
    marks = [mark.end() for mark in _BEFORE_MARK.finditer(text, block.start, block.end)]
    borders = sorted({block.start, *(cut for cut, _ in block.cuts), *marks, block.end})
    lines: list[str] = []
    for start, end in pairwise(borders):
        line = text[start:end]
        if lines and _goes_on(lines[-1], line):
            lines[-1] += line
        else:
            lines.append(line)
    for line in lines:
        mark = _MARK.match(line)
        is_item, content = mark is not None, line[mark.end() :] if mark else line
        for paragraph in _BLANK_LINE.split(_FENCED.sub("\n\n", content)):
            if _NOT_PROSE.match(paragraph) or not paragraph.strip():
                yield _Part("", is_item)
            else:
                yield _Part(_QUOTED.sub("", paragraph), is_item)


def _goes_on(line: str, following: str) -> bool:
    """Whether a line that its author did not fill still ends within a sentence."""
    ended = line.rstrip()
    return (
        not (_MARK.match(following) or ended.endswith(":") or _CLOSED.search(ended))
        and following.lstrip()[:1].islower()
    )


def _rows(head: str, body: str) -> Iterator[Quotable]:
    columns = _cells(head.strip().partition("\n")[0])
    for line in body.splitlines():
        cells = _cells(line)
        named = zip([*columns, *[""] * len(cells)], cells, strict=False)
        shown = [f"{column}: {cell}" if column else cell for column, cell in named if cell]
        row = "; ".join(shown)
        if len(row.split()) > _LONGEST:
            yield from (one for cell in cells for one in _sentences(cell))
        elif len(shown) > 1:
            yield Quotable(row)


def _cells(line: str) -> list[str]:
    return [" ".join(cell.split()) for cell in _CELL.split(line.strip().strip("|"))]
