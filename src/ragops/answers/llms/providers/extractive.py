"""No model at all: the sentences of the evidence that support the question best, each with its citation.

The baseline that any model must beat, and what still answers when every model is down.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ragops.answers.llms.settings import Extractive
from ragops.answers.llms.types import Pieces, Reply, Request, drain
from ragops.answers.prompts.sanitize import neutralize
from ragops.corpus.chunks.atoms import sentences
from ragops.corpus.index.stores.terms import tokenize

# Words by which one asks, and those that every sentence has: they support nothing.
_FUNCTION_WORDS = """
a about after all also am an and any are as at be because been before being between but by can could did do does doing
during each for from had has have how i if in into is it its just may me might more most must my no not of on one only
or other our out over own same shall should so some such than that the their them then there these they this those
through to too under up use used using very was way we were what when where which while who whom whose why will with
would you your
"""
_ASKING = frozenset(_FUNCTION_WORDS.split())
_FENCE = re.compile(r"^(?:```|~~~)", re.MULTILINE)
_FURNITURE = re.compile(r"^\s*(?:#{1,6}\s|\||<!--)")
_NUMBERED = re.compile(r"(?<![\w\])`])(?:\[\s*\d[\d\s,;–-]*\])+")  # not xs[1], which is code
_ROUND = str.maketrans("[]", "()")
_SPACES = re.compile(r"\s+")
_FEWEST_TERMS = 3


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence, the number of its passage from 1, and the share of the question's weight that it holds, 0 to 1."""

    text: str
    passage: int
    support: float

    def cited(self) -> str:
        """The sentence with its citation. Numbers in brackets of its own are no citations: they get parentheses."""
        text = _NUMBERED.sub(lambda match: match[0].translate(_ROUND), neutralize(self.text))
        return f"{text} [{self.passage}]"


class ExtractiveModel:
    """Quotes; always the same for the same question and evidence."""

    def __init__(self, settings: Extractive) -> None:
        """Takes how many sentences, and the support under which it abstains, from the use case."""
        self._settings = settings

    @property
    def name(self) -> str:
        """Its name in usecase.yml."""
        return self._settings.name

    @property
    def context_tokens(self) -> int:
        """As the use case says; there is no limit of its own."""
        return self._settings.context_tokens

    def generate(self, request: Request) -> Reply:
        """The quotes, or the sentence that says that there are none."""
        return drain(self.stream(request))

    def stream(self, request: Request) -> Pieces:
        """The same, sentence by sentence."""
        started = time.monotonic()
        found = best_quotes(request.question, request.evidence, self._settings.sentences, self._settings.support)
        pieces = [quote.cited() for quote in found] or [self._settings.abstention]
        for number, piece in enumerate(pieces):
            yield piece if number == 0 else f" {piece}"
        text = " ".join(pieces)
        read = sum(map(self.count_tokens, (request.question, *request.evidence)))
        seconds = time.monotonic() - started
        return Reply(text, self.name, self._settings.provider, read, self.count_tokens(text), seconds, "stop")

    def count_tokens(self, text: str) -> int:
        """The words: it has no tokens."""
        return len(text.split())


def best_quotes(question: str, evidence: Sequence[str], most: int, support: float) -> list[Quote]:
    """The sentences that hold most of the question's weight, in the order of the evidence.

    A term weighs the more the fewer sentences have it (idf). Each sentence after the first must add a term that those
    before it lack. Nothing where the best one is under `support`.
    """
    wanted = set(terms(question))
    candidates = [(text, number, set(terms(text))) for number, text in _all_sentences(evidence)]
    weights = _weights(wanted, [held for _, _, held in candidates])
    total = sum(weights.values())
    chosen: list[tuple[int, Quote]] = []
    missing = set(wanted)
    while total and len(chosen) < most:
        gains = [sum(weights[term] for term in held & missing) for _, _, held in candidates]
        best = max(range(len(candidates)), key=lambda at: (gains[at], -at), default=-1)
        share = gains[best] / total if best >= 0 else 0.0
        if share < (support if not chosen else support / 2) or not share:
            break
        text, number, held = candidates[best]
        chosen.append((best, Quote(text, number, share)))
        missing -= held
    return [quote for _, quote in sorted(chosen, key=lambda pair: pair[0])]


def terms(text: str) -> Iterator[str]:
    """The words that carry meaning, plurals and other endings cut off."""
    return (stem(term) for term in tokenize(text) if term not in _ASKING)


def stem(word: str) -> str:
    """A word without its commonest English endings: close enough to match `opened` with `opening` and `opens`."""
    for ending in ("ations", "ation", "ings", "ing", "ers", "ed", "es", "er", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _all_sentences(evidence: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The sentences of prose, each with its passage's number and each once; headings, tables and code are no answer."""
    seen: set[str] = set()
    for number, passage in enumerate(evidence, start=1):
        for block in _prose(passage):
            for sentence in sentences(block):
                text = _SPACES.sub(" ", sentence).strip()
                if text not in seen and len(text.split()) >= _FEWEST_TERMS:
                    seen.add(text)
                    yield number, text


def _prose(passage: str) -> Iterator[str]:
    for outside in _FENCE.split(passage)[::2]:
        for paragraph in re.split(r"\n\s*\n", outside):
            lines = [line for line in paragraph.splitlines() if not _FURNITURE.match(line)]
            if lines:
                yield "\n".join(lines)


def _weights(wanted: Collection[str], candidates: Sequence[set[str]]) -> dict[str, float]:
    counts = Counter(term for held in candidates for term in held & set(wanted))
    return {term: math.log(1 + (len(candidates) + 1) / (counts[term] + 0.5)) for term in wanted}
