"""Citations [n] in an answer: found, checked against the passages that the model was given, taken out if invalid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

# [1], [1, 3], [2-4], [1][2]; not the index of a list in code such as xs[1], not a link's text [1](...), and no number
# so long that no passage could have it.
_CITATION = re.compile(r"(?<![\w\])`])((?:\[\s*\d{1,9}(?:\s*[,;–-]\s*\d{1,9})*\s*\])+)(?!\()")
_BRACKET = re.compile(r"\[([^\]]*)\]")
_RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
_NUMBER = re.compile(r"\d+")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_AFTER_THE_STOP = re.compile(r"(?<![\s.!?])([.!?])[ \t]*((?:\[\d+\][ \t]*)+)(?=\s|$)", re.MULTILINE)
_LONGEST_RANGE = 50
_PARTS = re.compile(f"(?P<code>{_CODE.pattern})|{_CITATION.pattern}", re.DOTALL)

Kind = Literal["text", "code", "citation"]
"""Of a part of an answer: a code's text is without its marks, a citation's is its number."""


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer's text with valid citations only, and the numbers it cites, in order.

    `valid` and `removed` count citations as they were written, each time anew: of passages given, and made up.
    """

    text: str
    numbers: tuple[int, ...]
    valid: int
    removed: int


def check_citations(text: str, passages: int) -> Cited:
    """Keeps citations of the passages 1 to `passages`, and writes each as [n]; what stands in code is no citation."""
    valid: list[int] = []
    removed = 0

    def keep(match: re.Match[str]) -> str:
        nonlocal removed
        given = [number for bracket in _BRACKET.findall(match[1]) for number in _numbers(bracket)]
        kept = [number for number in given if 1 <= number <= passages]
        removed += len(given) - len(kept)
        valid.extend(kept)
        return "".join(f"[{number}]" for number in dict.fromkeys(kept))

    parts, at = [], 0
    for code in _CODE.finditer(text):
        parts += [_tidied(_CITATION.sub(keep, text[at : code.start()])), code[0]]
        at = code.end()
    parts.append(_tidied(_CITATION.sub(keep, text[at:])))
    return Cited("".join(parts), tuple(dict.fromkeys(valid)), len(valid), removed)


def parts(text: str) -> Iterator[tuple[Kind, str]]:
    """A checked answer in parts, for whoever shows it. Code in a block has line breaks, code in a line has none."""
    at = 0
    for match in _PARTS.finditer(text):
        if match.start() > at:
            yield "text", text[at : match.start()]
        if code := match["code"]:
            yield "code", code.strip("`").partition("\n")[2] if code.startswith("```") else code.strip("`")
        else:
            yield from (("citation", number) for number in _NUMBER.findall(match[0]))
        at = match.end()
    if at < len(text):
        yield "text", text[at:]


def _numbers(inside: str) -> list[int]:
    found: list[int] = []
    for part in re.split(r"[,;]", inside):
        ends = _RANGE.fullmatch(part.strip())
        first, last = (int(ends[1]), int(ends[2])) if ends else (0, -1)
        # A range that nobody means, such as [1-999999], counts as its two ends.
        if ends and 0 <= last - first <= _LONGEST_RANGE:
            found += range(first, last + 1)
        else:
            found += map(int, _NUMBER.findall(part))
    return found


def _tidied(text: str) -> str:
    """Each citation within the sentence that it belongs to, and no blanks where one was taken out."""
    text = re.sub(r"[ \t]+(?=[.,;:!?](?:\s|$))", "", text)
    return _AFTER_THE_STOP.sub(_before_the_stop, text)


def _before_the_stop(match: re.Match[str]) -> str:
    cited = "".join(match[2].split())
    blanks = match[2][len(match[2].rstrip()) :]
    return f" {cited}{match[1]}{blanks}"
