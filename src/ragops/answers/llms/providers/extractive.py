"""Answers without a model: the sentences of the evidence that support the question best, each with a citation.

The baseline that any model must beat, and the fallback that still answers when every model is down.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from snowballstemmer import stemmer

from ragops.answers.llms.providers.quotable import quotable
from ragops.answers.llms.settings import Extractive
from ragops.answers.llms.types import Pieces, Reply, Request, drain
from ragops.answers.prompts.citation_forms import BRACKETS, MOST_PASSAGES, citations
from ragops.answers.prompts.untrusted import neutralize
from ragops.corpus.index.stores.terms import tokenize

# Question words and function words, which are no evidence. The lists of bm25s (33 and 179 words) gave the same figures
# on the sample's 304 questions, within noise, but importing them takes 0.2 s and SciPy.
_LISTED = """
a about after all also am an and any anything are as at be because been before being between but by can could did do
does doing during each else for from going had has have how i if in into is it its just may me might more most must my
no not of on one only or other our out over own same shall should so some something such than that the their them then
there these they this those through to too under up use used using very was way we were what when where which while who
whom whose why will with would you your
"""
STOP_WORDS = frozenset(_LISTED.split())
"""English question words and function words."""
# Porter rather than its successor "english": 0.41 against 0.40 supported and 0.73 against 0.70 abstained on the sample.
_STEMMER = stemmer("porter")
_stemming = threading.Lock()  # it keeps the word that it works on
# Measured on the 304 questions that avoid the documents' words, the 122 that share them, and 100 of a public set, with
# 12 passages: how many get the sentence that answers them, in how many quotes. These values: 0.21, 0.72, 0.79 in 2.3,
# 1.6, 2.0. What adds the most new terms, wherever it stands, as before: 0.19, 0.68, 0.74 in 2.5, 1.5, 2.7.
_RANK = 0.3  # by how much a candidate counts less for each passage before its own; with 0: 0.16, 0.70, 0.76
_CLOSE = 0.6  # of the best one's score, for further quotes; with 0.8: 0.20, 0.67, 0.68 in 1.7, 1.3, 1.5
_ENOUGH = 0.9  # of the question covered, and no more is quoted; without it: 0.22, 0.75, 0.79 in 2.4, 2.0, 2.0
_ALIKE = 0.7  # of a candidate's terms in another one, and one of them is enough


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of the evidence, an item of a list with its announcement, or a row of a table with its columns' names.

    Attributes:
        text: all of it, on one line.
        passage: the number of its passage, from 1.
        support: the share of the question's weight that its words cover, 0 to 1.
    """

    text: str
    passage: int
    support: float

    def cited(self) -> str:
        """The text with its citation. Its own bracketed numbers get parentheses: they cite nothing."""
        text = neutralize(self.text)
        for one in reversed(list(citations(text, MOST_PASSAGES))):
            text = f"{text[: one.start]}({text[one.start : one.end].strip(BRACKETS)}){text[one.end :]}"
        return f"{text} [{self.passage}]"


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What may be quoted: see `Quotable`; `refers_back` to the candidate before it."""

    text: str
    passage: int
    weight: float
    terms: frozenset[str]
    refers_back: bool


class ExtractiveModel:
    """Quotes the evidence. The same question and evidence always give the same quotes."""

    def __init__(self, settings: Extractive) -> None:
        """Takes the number of sentences and the threshold for abstaining from the use case."""
        self._settings = settings

    @property
    def name(self) -> str:
        """Its name in usecase.yml."""
        return self._settings.name

    @property
    def context_tokens(self) -> int:
        """As configured; quoting itself has no limit."""
        return self._settings.context_tokens

    def generate(self, request: Request) -> Reply:
        """Returns the quotes, or the abstention if nothing supports the question."""
        return drain(self.stream(request))

    def stream(self, request: Request) -> Pieces:
        """Yields the same, sentence by sentence."""
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
        """Counts words: there is no tokenizer."""
        return len(text.split())


def best_quotes(question: str, evidence: Sequence[str], most: int, support: float) -> list[Quote]:
    """What answers the question best of all that may be quoted, in the order of the evidence.

    A candidate is as good as the share of the question's weight that its words cover, where rare terms weigh more
    (inverse document frequency over the candidates), and less in a passage that search found less good. The best is
    quoted, and others almost as good until all of the question is covered; one that refers back ("It ...") with the
    one before it.

    Args:
        question: in the user's words.
        evidence: texts of the passages, best first.
        most: return at most this many.
        support: return nothing if the best one covers less than this share, 0 to 1.
    """
    wanted = set(terms(question))
    candidates = list(_candidates(evidence))
    weights = _weights(wanted, [one.terms for one in candidates])
    total = sum(weights.values()) or 1.0

    def share(found: Collection[str]) -> float:
        return sum(weights[term] for term in wanted.intersection(found)) / total

    scores = [share(one.terms) * one.weight / (1 + _RANK * (one.passage - 1)) for one in candidates]
    ranking = sorted(range(len(candidates)), key=lambda at: (-scores[at], at))
    if not ranking or not scores[ranking[0]] or share(candidates[ranking[0]].terms) < support:
        return []
    chosen: list[int] = []
    for at in ranking:
        covered = share([term for number in chosen for term in candidates[number].terms])
        if len(chosen) == most or covered > _ENOUGH or scores[at] < _CLOSE * scores[ranking[0]]:
            break
        new = [at - 1, at] if candidates[at].refers_back and at - 1 not in chosen and most > 1 else [at]
        if len(chosen) + len(new) <= most and not any(_alike(candidates[at], candidates[one]) for one in chosen):
            chosen += new
    return [Quote(candidates[at].text, candidates[at].passage, share(candidates[at].terms)) for at in sorted(chosen)]


def terms(text: str) -> Iterator[str]:
    """The stems of the words that carry meaning."""
    return (stem(term) for term in tokenize(text) if term not in STOP_WORDS)


@lru_cache(maxsize=100_000)  # the stemmer is Python, and the same words return again and again
def stem(word: str) -> str:
    """The English stem of a word in lower case, the same for `opened`, `opening` and `opens`."""
    with _stemming:
        return str(_STEMMER.stemWord(word))


def _candidates(evidence: Sequence[str]) -> Iterator[_Candidate]:
    """What may be quoted, each text once, with its passage's number."""
    seen: set[str] = set()
    for number, passage in enumerate(evidence, start=1):
        follows = False
        for one in quotable(passage):
            is_new = one.text not in seen
            if is_new:
                seen.add(one.text)
                yield _Candidate(one.text, number, one.weight, frozenset(terms(one.text)), follows and one.refers_back)
            follows = is_new


def _alike(one: _Candidate, other: _Candidate) -> bool:
    """Whether one repeats most of the other, as a list and one of its items do."""
    return len(one.terms & other.terms) > _ALIKE * min(len(one.terms), len(other.terms))


def _weights(wanted: Collection[str], candidates: Sequence[frozenset[str]]) -> dict[str, float]:
    counts = Counter(term for found in candidates for term in found & set(wanted))
    return {term: math.log(1 + (len(candidates) + 1) / (counts[term] + 0.5)) for term in wanted}
