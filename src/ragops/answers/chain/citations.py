"""Citations [n] in an answer: checked against the passages, attributed to uncited sentences, or replaced by quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ragops.answers.llms.providers.extractive import best_quotes, terms
from ragops.answers.llms.settings import Extractive
from ragops.corpus.chunks.atoms import sentences

# [1], [1, 3], [2-4], [1][2]; not an index in code such as xs[1], not the text of a link [1](...), and no number too
# long to be a passage's.
_CITATION = re.compile(r"(?<![\w\])`])((?:\[\s*\d{1,9}(?:\s*[,;–-]\s*\d{1,9})*\s*\])+)(?!\()")
_BRACKET = re.compile(r"\[([^\]]*)\]")
_RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
_NUMBER = re.compile(r"\d+")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_AFTER_PERIOD = re.compile(r"(?<![\s.!?])([.!?])[ \t]*((?:\[\d+\][ \t]*)+)(?=\s|$)", re.MULTILINE)
_STARTS_CITED = re.compile(r"\s*\[\d+\]")  # a citation after the period, which `sentences` puts into the next sentence
_LONGEST_RANGE = 50
_FEWEST_TERMS = 2  # a shorter sentence repeats any passage by chance
_PARTS = re.compile(f"(?P<code>{_CODE.pattern})|{_CITATION.pattern}", re.DOTALL)

Kind = Literal["text", "code", "citation"]
"""Of a part of an answer: the text of "code" has no backticks, that of "citation" is the number."""


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer's text with valid citations only, and the numbers that it cites, in order.

    `valid` and `removed` count the citations in the original text, with repetitions.
    """

    text: str
    numbers: tuple[int, ...]
    valid: int
    removed: int


@dataclass(frozen=True, slots=True)
class Grounded:
    """A text with citations, the numbers that it cites, and how many citations were added."""

    text: str
    numbers: tuple[int, ...]
    attributed: int


def check_citations(text: str, passages: int) -> Cited:
    """Keeps citations of the passages 1 to `passages`, each written as [n]; code stays as it is."""
    valid: list[int] = []
    removed = 0

    def keep(match: re.Match[str]) -> str:
        nonlocal removed
        given = [number for bracket in _BRACKET.findall(match[1]) for number in _numbers(bracket)]
        kept = [number for number in given if 1 <= number <= passages]
        removed += len(given) - len(kept)
        valid.extend(kept)
        return "".join(f"[{number}]" for number in dict.fromkeys(kept))

    pieces, at = [], 0
    for code in _CODE.finditer(text):
        pieces += [_tidied(_CITATION.sub(keep, text[at : code.start()])), code[0]]
        at = code.end()
    pieces.append(_tidied(_CITATION.sub(keep, text[at:])))
    return Cited("".join(pieces), tuple(dict.fromkeys(valid)), len(valid), removed)


def attribute(text: str, passages: Sequence[str], share: float) -> Grounded:
    """Adds [n] to uncited sentences if at least `share` of their terms are in passage n; code stays as it is.

    A sentence that no passage supports stays without a citation, visibly.
    """
    terms_of = [set(terms(passage)) for passage in passages]
    attributed = 0
    blocks = text.split("```")
    for index, block in enumerate(blocks):
        if index % 2:
            continue
        written: list[str] = []
        split = list(sentences(block))
        for sentence, after in zip(split, [*split[1:], ""], strict=False):
            number = None if _STARTS_CITED.match(after) else _best_passage(sentence, terms_of, share)
            attributed += number is not None
            written.append(sentence if number is None else _with_citation(sentence, number))
        blocks[index] = "".join(written)
    result = "```".join(blocks)
    return Grounded(result, check_citations(result, len(passages)).numbers, attributed)


def quote(question: str, passages: Sequence[str], settings: Extractive) -> Grounded:
    """The passages' own sentences that answer the question best, each with its citation; an empty text if none does."""
    found = best_quotes(question, passages, settings.sentences, settings.support)
    cited = check_citations(" ".join(one.cited() for one in found), len(passages))
    return Grounded(cited.text, cited.numbers, 0)


def parts(text: str) -> Iterator[tuple[Kind, str]]:
    """A checked answer in parts, for display. A code block has line breaks, inline code has none."""
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
        # An absurd range such as [1-999999] counts as its two ends.
        if ends and 0 <= last - first <= _LONGEST_RANGE:
            found += range(first, last + 1)
        else:
            found += map(int, _NUMBER.findall(part))
    return found


def _tidied(text: str) -> str:
    """Each citation inside its sentence, and no blanks where one was removed."""
    text = re.sub(r"[ \t]+(?=[.,;:!?](?:\s|$))", "", text)
    return _AFTER_PERIOD.sub(_before_period, text)


def _before_period(match: re.Match[str]) -> str:
    cited = "".join(match[2].split())
    blanks = match[2][len(match[2].rstrip()) :]
    return f" {cited}{match[1]}{blanks}"


def _best_passage(sentence: str, terms_of: Sequence[set[str]], share: float) -> int | None:
    """The number of the passage that has the largest share of the sentence's terms; None below `share`."""
    own = set(terms(sentence))
    if len(own) < _FEWEST_TERMS or check_citations(sentence, len(terms_of)).numbers:
        return None
    shares = [len(own & passage) / len(own) for passage in terms_of]
    best = max(range(len(shares)), key=lambda at: (shares[at], -at), default=None)
    return None if best is None or shares[best] < share else best + 1


def _with_citation(sentence: str, number: int) -> str:
    """The citation goes before the final punctuation, as models write it."""
    body = sentence.rstrip()
    end = body[-1] if body and body[-1] in ".!?:;" else ""
    return f"{body.removesuffix(end)} [{number}]{end}{sentence[len(body) :]}"
