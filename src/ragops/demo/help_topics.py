"""Parses the plain text of a help topic into blocks from which every format can be written.

The text is formatted for a terminal: titles are underlined, everything else is expressed by indentation alone. An
indented region is therefore either the body of the preceding line (a method's description, a note) or an example, and
only its form shows which. Inside a line, straight double quotes mark code and asterisks mark emphasis.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from textwrap import dedent

_UNDERLINES = "*=-~"
_UNDERLINE = re.compile(r"([*=~-])\1{3,}")
_FOOTNOTES = "-[ Footnotes ]-"
_MARKER = re.compile(r"(\*|\d+\.|[IVX]+\.|\[\d+\])\s+(?=\S)")
_LABEL = re.compile(r"(See also|Notes?|Warning):")
_EXAMPLE = re.compile(r"::=|>>>|\s{2}#")
_PROSE = re.compile(r"[A-Z\"*“].*[.:)]", re.DOTALL)
_LISTING = re.compile(r"\+[-=]|" + _MARKER.pattern)

_SPAN = re.compile(
    r'"(?P<code>"?[^"]+?"?|"{1,2})"(?!")'
    r"|\*\*(?P<strong>[^*]+)\*\*"
    r"|(?<![\w*])\*(?P<emphasis>[^*\s](?:[^*]*[^*\s])?)\*(?!\*)"
)


class Kind(StrEnum):
    """The kind of a block."""

    HEADING = "heading"
    TERM = "term"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    CODE = "code"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Block:
    """One block. `level` is a heading's rank (1 to 4), else the number of list items around (an item counts itself)."""

    kind: Kind
    text: str
    level: int = 0
    marker: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


class Style(StrEnum):
    """The style of a span."""

    PLAIN = "plain"
    CODE = "code"
    STRONG = "strong"
    EMPHASIS = "emphasis"


def parse(text: str) -> list[Block]:
    """The blocks of a topic's text in reading order; lines of a paragraph are joined."""
    return list(_blocks(text.splitlines(), depth=0))


def spans(text: str) -> Iterator[tuple[Style, str]]:
    """The spans of a line in order, without their markup; none is empty."""
    position = 0
    for match in _SPAN.finditer(text):
        if match.start() > position:
            yield Style.PLAIN, text[position : match.start()]
        style = str(match.lastgroup)
        yield Style(style), match[style]
        position = match.end()
    if position < len(text):
        yield Style.PLAIN, text[position:]


def without_emphasis(text: str) -> str:
    """The line for formats without bold and italics: code keeps its quotes, asterisks are removed."""
    return "".join(f'"{span}"' if style is Style.CODE else span for style, span in spans(text))


def join_lines(lines: Sequence[str]) -> str:
    """Joins wrapped lines with spaces; a word broken at its own hyphen is rejoined."""
    text = re.sub(r"(?<=\w)-\n(?=\w)", "-", "\n".join(line.strip() for line in lines))
    return " ".join(text.split())


def _blocks(lines: Sequence[str], depth: int) -> Iterator[Block]:
    position, introduced = 0, False
    while position < len(lines):
        end = _end_of_block(lines, position)
        region, following = lines[position:end], lines[end:]
        yield from _block(region, following, introduced, depth)
        if region[0].strip():  # blank lines change nothing
            introduced = _hangs(following) or _LABEL.fullmatch(region[0]) is not None
        position = end


def _block(region: Sequence[str], following: Sequence[str], introduced: bool, depth: int) -> Iterator[Block]:
    first = region[0]
    if not first.strip() or _UNDERLINE.fullmatch(first):
        return
    if first.startswith(" "):
        yield from _indented(region, introduced, depth)
    elif first == _FOOTNOTES:
        yield Block(Kind.HEADING, "Footnotes", level=2)
    elif len(region) == 2 and _UNDERLINE.fullmatch(region[1]):
        yield Block(Kind.HEADING, first, level=_UNDERLINES.index(region[1][0]) + 1)
    elif first.startswith("+-"):
        yield _table(region, depth)
    elif first.startswith(">>>"):
        yield Block(Kind.CODE, "\n".join(region), depth)
    elif marker := _MARKER.match(first):
        yield from _item(region, marker, depth)
    elif _defines(region, following):
        yield from (Block(Kind.TERM, line, depth) for line in region)
    else:
        yield Block(Kind.PARAGRAPH, join_lines(region), depth)


def _end_of_block(lines: Sequence[str], start: int) -> int:
    """The index after the block at `start`: items and indented regions extend as far as they are indented."""
    first = lines[start]
    if len(lines) > start + 1 and first.strip() and first[0] != " " and _UNDERLINE.fullmatch(lines[start + 1]):
        return start + 2
    end = start + 1
    if not first.strip():
        return end
    if first.startswith(" ") or _MARKER.match(first):
        while end < len(lines) and (not lines[end].strip() or lines[end].startswith(" ")):
            end += 1
    else:
        while end < len(lines) and lines[end].strip() and not lines[end].startswith(" "):
            end += 1
    return end


def _hangs(following: Sequence[str]) -> bool:
    """Whether indented text follows without a blank line, which can only be a body."""
    return bool(following) and following[0].startswith(" ")


def _defines(region: Sequence[str], following: Sequence[str]) -> bool:
    """Whether the lines are a signature or an attribute, which the indented text after them describes."""
    if _hangs(following):
        return True
    start = next((index for index, line in enumerate(following) if line.strip()), len(following))
    if not _hangs(following[start:]) or region[-1].endswith((".", ",", ":")):
        return False
    return _is_prose(_region_text(following[start:]))


def _region_text(lines: Sequence[str]) -> str:
    return dedent("\n".join(lines[: _end_of_block(lines, 0)])).strip("\n")


def _is_prose(text: str) -> bool:
    opening = text.split("\n\n")[0].strip()
    if _LISTING.match(opening) or opening.startswith("**PEP"):
        return True
    return not _EXAMPLE.search(opening) and _PROSE.fullmatch(opening) is not None


def _indented(region: Sequence[str], introduced: bool, depth: int) -> Iterator[Block]:
    text = _region_text(region)
    if introduced or _is_prose(text):
        yield from _blocks(text.split("\n"), depth)
    else:
        yield Block(Kind.CODE, text.rstrip(), depth)


def _item(region: Sequence[str], marker: re.Match[str], depth: int) -> Iterator[Block]:
    width = marker.end()
    body = dedent("\n".join([" " * width + region[0][width:], *region[1:]])).split("\n")
    opening = _end_of_block(body, 0)
    yield Block(Kind.ITEM, join_lines(body[:opening]), depth + 1, marker[1])
    yield from _blocks(body[opening:], depth + 1)


def _table(region: Sequence[str], depth: int) -> Block:
    """Parses a grid. Cells are cut at the columns of the border, because a cell may contain the character `|`."""
    edges = [index for index, character in enumerate(region[0]) if character == "+"]
    rows: list[tuple[str, ...]] = []
    pending: list[str] = []
    for line in region[1:]:
        if not re.match(r"\+-|\|=", line):
            pending.append(line)
            continue
        columns = zip(edges, edges[1:], strict=False)
        rows.append(tuple(join_lines([row[left + 1 : right] for row in pending]) for left, right in columns))
        pending = []
    return Block(Kind.TABLE, "", depth, rows=tuple(rows))
