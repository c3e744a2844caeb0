"""Statements without a citation: each gets that of the passage whose words it repeats, or the passages speak."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragops.answers.chain.citations import check_citations
from ragops.answers.llms.providers.extractive import best_quotes, terms
from ragops.answers.llms.settings import Extractive
from ragops.corpus.chunks.atoms import sentences

_CITED = re.compile(r"\s*\[\d+\]")  # behind the stop, where the next sentence seems to begin
_FEWEST_TERMS = 2


@dataclass(frozen=True, slots=True)
class Grounded:
    """A text with citations, the numbers it cites, and how many it got here."""

    text: str
    numbers: tuple[int, ...]
    attributed: int


def attribute(text: str, passages: Sequence[str], share: float) -> Grounded:
    """Adds [n] to sentences without a citation whose words stand to `share` in passage n; code is left alone.

    A sentence that no passage supports stays without one, for everybody to see.
    """
    held = [set(terms(passage)) for passage in passages]
    attributed = 0
    parts: list[str] = []
    for place, part in enumerate(text.split("```")):
        if place % 2:
            parts.append(part)
            continue
        written: list[str] = []
        split = list(sentences(part))
        for sentence, after in zip(split, [*split[1:], ""], strict=False):
            number = None if _CITED.match(after) else _best(sentence, held, share)
            attributed += number is not None
            written.append(sentence if number is None else _with(sentence, number))
        parts.append("".join(written))
    result = "```".join(parts)
    return Grounded(result, check_citations(result, len(passages)).numbers, attributed)


def quote(question: str, passages: Sequence[str], settings: Extractive) -> Grounded:
    """The passages' own sentences that answer best, each with its citation; an empty text where none does."""
    found = best_quotes(question, passages, settings.sentences, settings.support)
    text = " ".join(one.cited() for one in found)
    cited = check_citations(text, len(passages))
    return Grounded(cited.text, cited.numbers, 0)


def _best(sentence: str, held: Sequence[set[str]], share: float) -> int | None:
    words = set(terms(sentence))
    if len(words) < _FEWEST_TERMS or check_citations(sentence, len(held)).numbers:
        return None
    shares = [len(words & passage) / len(words) for passage in held]
    best = max(range(len(shares)), key=lambda at: (shares[at], -at), default=None)
    return None if best is None or shares[best] < share else best + 1


def _with(sentence: str, number: int) -> str:
    """The citation stands before the full stop's blank, as models write it."""
    body = sentence.rstrip()
    end = body[-1] if body and body[-1] in ".!?:;" else ""
    return f"{body.removesuffix(end)} [{number}]{end}{sentence[len(body) :]}"
