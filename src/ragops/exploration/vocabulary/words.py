"""The words of a corpus against those of everyday language, and what a tokenizer makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ragops.corpus.chunks.tokens import TokenCounter

UNSEEN = 1e-8
"""Frequency taken for a word that the list does not have, which ends at about one in a hundred million."""
RARE = 1e-6
"""Below once in a million words a word is rare: most people meet it less than once a year."""
UNKNOWN_SHARE = 0.05
"""From this share of running words in many pieces on, a model does not know the vocabulary. A rule of thumb."""
EVERYDAY = 1e-5
MANY_PIECES = 4
"""A word cut into so many pieces is spelled out rather than known to the model."""

# Their words need dictionaries of their own to be told apart.
_UNSPACED = frozenset({"zh", "ja", "ko"})


class Word(NamedTuple):
    """A word of the corpus: how often it stands there, how often in everyday language, and its pieces.

    `frequency` is a share of all running words, 0 to 1.
    """

    word: str
    times: int
    frequency: float
    pieces: int


def supported(language: str) -> bool:
    """Whether there is a list of the language's words."""
    from wordfreq import available_languages

    return language not in _UNSPACED and language in available_languages("best")


def is_everyday(word: str, language: str) -> bool:
    """Whether a word in capitals is an everyday word that was shouted, and no acronym: more than once in 100,000."""
    from wordfreq import word_frequency

    return supported(language) and word_frequency(word.lower(), language) > EVERYDAY


def rate(counts: Iterable[tuple[str, int]], language: str, count_tokens: TokenCounter) -> Iterator[Word]:
    """Rates words in lower case with their counts."""
    from wordfreq import get_frequency_dict

    everyday, counted = get_frequency_dict(language), list(counts)
    pieces = count_tokens([word for word, _ in counted])
    for (word, count), number in zip(counted, pieces, strict=True):
        yield Word(word, count, max(UNSEEN, everyday.get(word, 0.0)), number)
