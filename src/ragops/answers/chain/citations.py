"""Citations [n] in an answer: checked against the passages, attributed to uncited sentences, or replaced by quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ragops.answers.llms.providers.extractive import best_quotes, terms
from ragops.answers.llms.settings import Extractive
from ragops.answers.prompts.citation_forms import CODE, MOST_PASSAGES, citations
from ragops.corpus.chunks.atoms import sentences

_AFTER_PERIOD = re.compile(r"(?<![\s.!?])([.!?])[ \t]*((?:\[\d{1,3}\][ \t]*)+)(?=\s|$)", re.MULTILINE)
_STARTS_CITED = re.compile(
    r"\s*\[\d{1,3}\]"
)  # a citation after the period, which `sentences` puts into the next sentence
_NUMBER = re.compile(r"\d+")
_CLOSES_SENTENCE = tuple(".,;:!?。、，；：！？)]")
_FEWEST_TERMS = 2  # a shorter sentence repeats any passage by chance

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
    first = checked = _kept(text, passages)
    while checked.removed:  # what stands around a removed one may make another
        checked = _kept(checked.text, passages)
    tidied, at = [], 0
    for code in CODE.finditer(checked.text):
        tidied += [_tidied(checked.text[at : code.start()], passages), code[0]]
        at = code.end()
    tidied.append(_tidied(checked.text[at:], passages))
    return replace(checked, text="".join(tidied), valid=first.valid, removed=first.removed)


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


def lexical_support(text: str, cited: Iterable[str]) -> float:
    """The share of an answer's content words that occur in any of the cited passages' texts, from 0 to 1."""
    known = {term for passage in cited for term in terms(passage)}
    words = [term for term in terms(text) if not term.isdigit()]
    return sum(word in known for word in words) / len(words) if words else 0.0


def parts(text: str, passages: int = MOST_PASSAGES) -> Iterator[tuple[Kind, str]]:
    """A checked answer in parts, for display. `passages`: how many it was checked against.

    A code block has line breaks, inline code has none.
    """
    spans: list[tuple[int, int, tuple[int, ...]]]
    spans = [(code.start(), code.end(), ()) for code in CODE.finditer(text)]
    spans += [(one.start, one.end, one.numbers) for one in citations(text, passages)]
    at = 0
    for start, end, numbers in sorted(spans):
        if start > at:
            yield "text", text[at:start]
        if numbers:
            yield from (("citation", str(number)) for number in numbers)
        else:
            code = text[start:end]
            yield "code", code.strip("`").partition("\n")[2] if code.startswith("```") else code.strip("`")
        at = end
    if at < len(text):
        yield "text", text[at:]


def _kept(text: str, passages: int) -> Cited:
    """One pass over the citations of a text: removes those of passages that do not exist, writes the others as [n]."""
    valid: list[int] = []
    removed = at = 0
    written = ""
    in_run: set[int] = set()
    for one in citations(text, passages):
        kept = [number for number in one.numbers if 1 <= number <= passages]
        removed += len(one.numbers) - len(kept)
        valid += kept
        if one.start > at:
            in_run.clear()
        written += text[at : one.start] + "".join(f"[{n}]" for n in dict.fromkeys(kept) if n not in in_run)
        in_run.update(kept)
        at = one.end
        if not kept:
            written, at = _joined(written, text, at)
    return Cited(written + text[at:], tuple(dict.fromkeys(valid)), len(valid), removed)


def _joined(before: str, text: str, at: int) -> tuple[str, int]:
    """Without the blanks around a citation that was removed; one is left between words."""
    after = text[at:]
    if not before or before.endswith("\n"):
        return before, at + len(after) - len(after.lstrip(" \t"))
    if after[:1].isspace() or after[:1] in _CLOSES_SENTENCE:
        return before.rstrip(" \t"), at
    return before, at


def _tidied(text: str, passages: int) -> str:
    """Each citation inside its sentence."""

    def before_period(match: re.Match[str]) -> str:
        if not all(1 <= int(number) <= passages for number in _NUMBER.findall(match[2])):
            return match[0]
        cited = "".join(match[2].split())
        return f" {cited}{match[1]}{match[2][len(match[2].rstrip()) :]}"

    return _AFTER_PERIOD.sub(before_period, text)


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
