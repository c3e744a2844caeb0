"""The forms in which models cite passages, and bracketed numbers that cite nothing.

Models are asked for [1]. They also write [1, 3], [2-4], [[1]], 【1】, 【1†source】 and ［１］, in the digits of any
script, with or without a space before it. Years, clause numbers, indices in code and the texts of links look alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

BRACKETS = "[［【〔〖〘⟦]］】〕〗〙⟧"
"""Opening and closing ones."""
_OPEN, _CLOSE = (re.escape(half) for half in (BRACKETS[:7], BRACKETS[7:]))
_ITEM = r"\d{1,9}(?:\s*[-‐‑–—−~～〜]\s*\d{1,9})?"
_ITEMS = rf"\s*{_ITEM}(?:\s*(?:[,;，、；،؛&]|\band\b)\s*{_ITEM})*\s*"
_BRACKET = re.compile(
    rf"\[\[(?P<doubled>{_ITEMS})\]\]|[{_OPEN}](?P<items>{_ITEMS})(?:†[^{_OPEN}{_CLOSE}\n]{{0,80}})?[{_CLOSE}]"
)
_SPLIT = re.compile(r"[,;，、；،؛&]|\band\b")
_NUMBER = re.compile(r"\d+")
_LINK = re.compile(r"\((?:[^()\s]|\([^()\s]*\))*(?:[ \t]+\"[^\"\n]*\")?\)")

CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
"""Code blocks, also unfinished ones, and code in a line."""
_NAME = re.compile(r"(?<!\w)[A-Za-z_]\w*\Z")
_INDEXED = re.compile(r"([A-Za-z_]\w*)\[")
_CODE_FOLLOWS = re.compile(r"[ \t]*=(?!=)|\.[A-Za-z_]\w*\(|\[\D")

_CLAUSE = (
    r"(?:(?:sub-?)?(?:clause|section|article|paragraph)|rule|regulation|annex|para|art|sec"
    r"|absatz|artikel|klausel|ziffer|alinéa|artículo|cláusula|sección)s?\.?|§+"
)
_AFTER_CLAUSE = re.compile(rf"(?:\b(?:{_CLAUSE}|at)|§|第)\s*\Z", re.IGNORECASE)
# "Under clause [2] the fee is due", but not "it follows from the clause [2]", nor "see clause [2].", nor "according to
# article [2]", where the number may well be a passage's.
_ONLY_CLAUSE = r"(?:(?:sub-?)?(?:clause|paragraph)|absatz|klausel|ziffer|alinéa|cláusula)s?|§+"
_NAMES_CLAUSE = re.compile(
    rf"(?:^|[.!?:;(]\s*|\b(?:under|in|by|of|to|see|per|from|with|and|or|as|nach|gemäß)\s+)(?:{_ONLY_CLAUSE})\s*\Z",
    re.IGNORECASE | re.MULTILINE,
)
_SENTENCE_GOES_ON = re.compile(r"[ \t]*[\w,(]")
_CONTEXT = 40  # characters before a bracket that are looked at

_FIRST_YEAR_LIKE = 1000  # no prompt has that many passages
_YEARS = range(1900, 2101)
_LONGEST_RANGE = 50
MOST_PASSAGES = _FIRST_YEAR_LIKE - 1
"""More than any prompt has: for a text whose passages are not known."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A citation in a text.

    Attributes:
        start: offset of its opening bracket.
        end: offset one past its closing bracket.
        numbers: of the passages, as they are written: some may not exist.
    """

    start: int
    end: int
    numbers: tuple[int, ...]


def citations(text: str, passages: int) -> Iterator[Citation]:
    """The citations of a text in their order, each bracket for itself; made-up ones included.

    Args:
        text: an answer.
        passages: how many passages there are; a number above may still be a citation, of a passage that does not exist.
    """
    code = [match.span() for match in CODE.finditer(text)]
    indexed = {name for start, end in code for name in _INDEXED.findall(text[start:end])}
    end, is_index = -1, False
    for match in _BRACKET.finditer(text):
        if any(first <= match.start() < last for first, last in code):
            continue
        numbers = _numbers(match)
        # [1][2] are two citations, in xs[0][1] and [text][1] there is none.
        follows = match.start() == end
        is_index = is_index if follows else _is_index(text, match, indexed, numbers)
        end = match.end()
        if not is_index and _cites(match, numbers, passages) and not _is_reference(text, match, numbers, passages):
            yield Citation(match.start(), end, tuple(numbers))


def cites(text: str) -> bool:
    """Whether a text has any citation."""
    return next(citations(text, MOST_PASSAGES), None) is not None


def _ranges(match: re.Match[str]) -> Iterator[list[int]]:
    """The one or two numbers of each item."""
    for item in _SPLIT.split(match["doubled"] or match["items"]):
        yield [int(number) for number in _NUMBER.findall(item)]


def _numbers(match: re.Match[str]) -> list[int]:
    found: list[int] = []
    for ends in _ranges(match):
        # An absurd range such as [1-999999] counts as its two ends.
        is_range = len(ends) > 1 and 0 <= ends[1] - ends[0] <= _LONGEST_RANGE
        found += range(ends[0], ends[1] + 1) if is_range else ends
    return found


def _is_index(text: str, match: re.Match[str], indexed: set[str], numbers: list[int]) -> bool:
    """Whether the bracket belongs to code without backticks, to a link, or to LaTeX."""
    before = text[max(0, match.start() - _CONTEXT) : match.start()]
    if before.endswith(("]", "\\", "()")) or _LINK.match(text, match.end()):
        return True
    name = _NAME.search(before)
    if name is None:
        return False
    is_code = "_" in name[0] or name[0] in indexed or 0 in numbers
    return is_code or _CODE_FOLLOWS.match(text, match.end()) is not None


def _cites(match: re.Match[str], numbers: list[int], passages: int) -> bool:
    """Whether the numbers may be those of passages: not years, and no interval from 0."""
    if 0 in numbers and len(numbers) > 1:
        return False
    if max(numbers) >= _FIRST_YEAR_LIKE and not any(1 <= number <= passages for number in numbers):
        return False
    return not any(len(ends) > 1 and any(end in _YEARS for end in ends) for ends in _ranges(match))


def _is_reference(text: str, match: re.Match[str], numbers: list[int], passages: int) -> bool:
    """Whether the bracket is the number of a clause or paragraph of some document."""
    before = text[max(0, match.start() - _CONTEXT) : match.start()]
    if not any(1 <= number <= passages for number in numbers):
        return _AFTER_CLAUSE.search(before) is not None
    return _NAMES_CLAUSE.search(before) is not None and _SENTENCE_GOES_ON.match(text, match.end()) is not None
