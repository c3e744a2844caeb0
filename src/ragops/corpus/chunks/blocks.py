"""The blocks of a Markdown text, and the positions in them at which a chunk may end."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from markdown_it.token import Token

_WRAPPED = 120  # characters: nobody wraps longer lines, so a paragraph with one has a line for each of its parts
_LABEL = 40  # characters: a shorter line that ends no sentence may be the title of the next one
_SENTENCE_CLOSED = re.compile(r"[.!?…。！？][\"'”’)\]*_`]*\s*\Z")
_CELL_TEXT = re.compile(r"[^\s|]")
_TAIL = 40  # characters: enough to see how a paragraph ends


class Rank(IntEnum):
    """The strength of a border; a chunk ends at the strongest one in range."""

    CHARACTER = 0
    WORD = 1
    CLAUSE = 2
    SENTENCE = 3
    ITEM = 4
    PARAGRAPH = 5


@dataclass(frozen=True)
class Block:
    """One paragraph, list, table or code block, as offsets in the document's text.

    Attributes:
        start: where it begins.
        end: where it ends.
        cuts: inner offsets between items, rows or lines, ascending, with the strength of a border there.
        end_rank: strength of a border after the block.
        prose: whether the text between the cuts is divided into sentences.
        frame: (before, after), repeated around each part if the block does not fit into one chunk: a table's header
            rows, a fence's two lines. None for a block without repeated parts.
        body: the part inside the frame.
    """

    start: int
    end: int
    cuts: tuple[tuple[int, Rank], ...]
    end_rank: Rank
    prose: bool
    body: tuple[int, int]
    frame: tuple[str, str] | None = None


def prose_block(text: str, start: int, end: int, cuts: tuple[tuple[int, Rank], ...] = ()) -> Block:
    """A block of sentences. One that does not end a sentence ("as follows:", a bold title) belongs to the next one."""
    closed = _SENTENCE_CLOSED.search(text, max(start, end - _TAIL), end)
    return Block(start, end, cuts, Rank.PARAGRAPH if closed else Rank.SENTENCE, prose=True, body=(start, end))


def read_block(text: str, lines: Sequence[int], tokens: Sequence[Token], at: int) -> Block | None:
    """The block opened by the top-level token `tokens[at]`; None for a thematic break, which has no words.

    Args:
        text: the document's text.
        lines: the offset at which each line begins, and one past the end.
        tokens: the text parsed by markdown-it.
        at: index of a token of level 0 that has a map.
    """
    token = tokens[at]
    first, last = token.map or (0, 0)
    start, end = lines[first], min(lines[last], len(text))
    match token.type:
        case "hr":
            return None
        case "table_open" if last - first > 2:
            is_named = _CELL_TEXT.search(text, start, lines[first + 1])
            # Where the header is blank, as in tables of Markdown that have none, the first row names the columns.
            body = first + 2 if is_named or last - first == 3 else first + 3
            return _framed(text, lines, (first, last), (body, last))
        case "fence" if last - first > 2:
            closed = text[start:end].rstrip().endswith(token.markup)
            return _framed(text, lines, (first, last), (first + 1, last - 1 if closed else last))
        case "code_block":
            return _framed(text, lines, (first, last), (first, last))
        case "bullet_list_open" | "ordered_list_open":
            return Block(start, end, _item_cuts(lines, tokens, at), Rank.PARAGRAPH, prose=True, body=(start, end))
        case "paragraph_open":
            return prose_block(text, start, end, _line_cuts(text, lines, first, last))
        case _:
            return prose_block(text, start, end)


def _framed(text: str, lines: Sequence[int], whole: tuple[int, int], body: tuple[int, int]) -> Block:
    """A table or code block: `whole` and `body` are line ranges, and the lines around the body are its frame."""
    start, end = lines[whole[0]], min(lines[whole[1]], len(text))
    inner = lines[body[0]], min(lines[body[1]], end)
    cuts = tuple((lines[i], _line_rank(text, lines, i)) for i in range(body[0] + 1, body[1]))
    frame = text[start : inner[0]], text[inner[1] : end].rstrip()
    return Block(start, end, cuts, Rank.PARAGRAPH, prose=False, body=inner, frame=frame)


def _line_rank(text: str, lines: Sequence[int], line: int) -> Rank:
    after_blank = not text[lines[line - 1] : lines[line]].strip()
    return Rank.PARAGRAPH if after_blank else Rank.ITEM


def _line_cuts(text: str, lines: Sequence[int], first: int, last: int) -> tuple[tuple[int, Rank], ...]:
    """The line ends of a paragraph that its author set: lists without marks, verses, texts without blank lines.

    Where the next word would have fit into the paragraph's longest line, the line was not wrapped.
    """
    rows = [text[lines[number] : lines[number + 1]].rstrip() for number in range(first, last)]
    width = max(map(len, rows))
    cuts = []
    for number, (row, following) in enumerate(pairwise(rows), first + 1):
        word = following.split(maxsplit=1)[0] if following.strip() else ""
        if width > _WRAPPED or len(row) + 1 + len(word) <= width:
            weak = not _SENTENCE_CLOSED.search(row) and (len(row) < _LABEL or row.endswith(":"))
            cuts.append((lines[number], Rank.SENTENCE if weak else Rank.ITEM))
    return tuple(cuts)


def _item_cuts(lines: Sequence[int], tokens: Sequence[Token], at: int) -> tuple[tuple[int, Rank], ...]:
    """The offsets of a list's items except the first; a border before a nested item is weaker."""
    cuts: dict[int, Rank] = {}
    for token in tokens[at + 1 :]:
        if token.level == 0:
            break
        if token.type == "list_item_open" and token.map:
            cuts.setdefault(lines[token.map[0]], Rank.ITEM if token.level == 1 else Rank.SENTENCE)
    return tuple(sorted(cuts.items())[1:])
