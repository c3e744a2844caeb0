"""The structure of a Markdown document: its pages, and its sections by heading."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ragops.corpus.chunks.blocks import Block, prose_block, read_block

LONGEST_HEADING = 200
"""Characters. A longer heading is a paragraph misread by a converter; as a heading it would be part of every chunk."""

_PAGE_MARK = re.compile(r"\s*<!--\s*page:\s*(\d+)\s*-->\s*")
_NEWLINE = re.compile(r"\r\n?")
_GAP = re.compile(r"[^\S\n]{33,}")  # blanks have no tokens; without a limit a chunk could have a megabyte of them
# Only blocks are parsed: the text inside them stays as written.
_DOCUMENT = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"], ignoreInvalid=True)
_LINE = MarkdownIt("commonmark")


@dataclass(frozen=True)
class Source:
    """A document's text without its page marks.

    Attributes:
        text: the Markdown, newlines as `\\n`, page mark lines emptied, wide gaps narrowed to 32 blanks.
        lines: offset in `text` at which each line begins, and one past the end.
        pages: (offset, page number) of each page mark, ascending.
    """

    text: str
    lines: tuple[int, ...]
    pages: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Section:
    """The blocks under one heading, up to the next heading of any level.

    Attributes:
        heading_path: the headings over the text, outermost first, without markup.
        start: offset at which the section's own text begins.
        blocks: its blocks in order; empty where another heading follows at once.
    """

    heading_path: tuple[str, ...]
    start: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class _Heading:
    """A heading of the document itself; level 0 is the document's beginning, which has no line."""

    level: int
    title: str
    start: int
    end: int


def read_source(markdown: str) -> Source:
    """Removes the page marks (`<!-- page: N -->` lines) from a text and records their positions."""
    lines = _GAP.sub(" " * 32, _NEWLINE.sub("\n", markdown)).split("\n")
    marks = [(i, int(mark[1])) for i, line in enumerate(lines) if (mark := _PAGE_MARK.fullmatch(line))]
    for i, _ in marks:
        lines[i] = ""
    offsets = tuple(accumulate((len(line) + 1 for line in lines), initial=0))
    return Source("\n".join(lines), offsets, tuple((offsets[i], page) for i, page in marks))


def read_sections(source: Source) -> list[Section]:
    """Splits a document at its headings; a heading inside a list or a quote is text.

    A heading with nothing below it, not even a deeper heading, becomes text under its parent's path; otherwise no
    chunk would contain its words.
    """
    groups: list[tuple[_Heading, list[Block]]] = [(_Heading(0, "", 0, 0), [])]
    for part in _parts(source, _DOCUMENT.parse(source.text)):
        if isinstance(part, _Heading):
            groups.append((part, []))
        else:
            groups[-1][1].append(part)
    sections = []
    above: list[_Heading] = []
    for i, (heading, blocks) in enumerate(groups):
        above = [outer for outer in above if outer.level < heading.level]
        leads = i + 1 < len(groups) and groups[i + 1][0].level > heading.level
        if blocks or leads or heading.level == 0:
            above.append(heading)
        else:
            blocks = [prose_block(source.text, heading.start, heading.end)]
        path = tuple(outer.title for outer in above if outer.title)
        sections.append(Section(path, blocks[0].start if blocks else heading.end, tuple(blocks)))
    return sections


def _parts(source: Source, tokens: Sequence[Token]) -> Iterator[_Heading | Block]:
    done = 0
    for at, token in enumerate(tokens):
        if token.level == 0 and token.map:
            first, last = token.map
            yield from _untokened(source, done, first)
            done = last
            part = _heading(source, tokens, at) or read_block(source.text, source.lines, tokens, at)
            if part:
                yield part
    yield from _untokened(source, done, len(source.lines) - 1)


def _untokened(source: Source, first: int, last: int) -> Iterator[Block]:
    """Lines that the parser reads without producing a token: link reference definitions."""
    start, end = source.lines[first], min(source.lines[last], len(source.text))
    text = source.text[start:end]
    if text.strip():
        yield prose_block(source.text, end - len(text.lstrip()), end)


def _heading(source: Source, tokens: Sequence[Token], at: int) -> _Heading | None:
    token = tokens[at]
    if token.type != "heading_open" or not token.map or len(tokens[at + 1].content) > LONGEST_HEADING:
        return None
    first, last = token.map
    return _Heading(int(token.tag[1:]), _plain(tokens[at + 1].content), source.lines[first], source.lines[last])


def _plain(heading: str) -> str:
    """A heading's words without emphasis, code marks and link targets, on one line."""
    children = _LINE.parseInline(heading)[0].children or []
    return " ".join("".join(child.content or " " * child.type.endswith("break") for child in children).split())
