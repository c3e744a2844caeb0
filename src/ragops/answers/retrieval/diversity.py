"""Passages that say the same again: near-identical ones dropped, or similar ones held back."""

import re
from collections.abc import Sequence

import numpy as np

from ragops.corpus.embeddings.interface import Vectors, normalised

_WORD = re.compile(r"\w+")
_WORDS_A_SHINGLE = 3


def distinct(texts: Sequence[str], threshold: float) -> list[int]:
    """The numbers of the texts that stay when each is dropped that nearly repeats an earlier one.

    Two texts are as near as the share of word triples that they have in common (Jaccard), 1 for the same words.
    """
    kept: list[int] = []
    shingles = [_shingles(text) for text in texts]
    for number, own in enumerate(shingles):
        if all(_jaccard(own, shingles[other]) < threshold for other in kept):
            kept.append(number)
    return kept


def marginal_relevance(scores: Sequence[float], vectors: Vectors, weight: float, k: int) -> list[int]:
    """The numbers of the k items chosen one by one, each by weight * relevance - (1 - weight) * likeness.

    Relevance is the score scaled to 0..1; likeness the highest cosine to an item chosen before. Ties go to the earlier.
    Source: Carbonell, Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998.

    Args:
        scores: of the items, any scale.
        vectors: of the items, shape (items, dimension).
        weight: 1 for relevance alone, 0 for difference alone.
        k: how many.
    """
    if not len(scores):
        return []
    relevance = np.asarray(scores, dtype=np.float64)
    relevance = (relevance - relevance.min()) / (np.ptp(relevance) or 1.0)
    unit = normalised(vectors)
    likeness = np.zeros(len(scores))
    chosen: list[int] = []
    while len(chosen) < min(k, len(scores)):
        value = weight * relevance - (1 - weight) * likeness
        value[chosen] = -np.inf
        chosen.append(int(value.argmax()))
        cosines = unit @ unit[chosen[-1]]
        likeness = cosines if len(chosen) == 1 else np.maximum(likeness, cosines)
    return chosen


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    length = min(_WORDS_A_SHINGLE, len(words))
    return frozenset(tuple(words[i : i + length]) for i in range(len(words) - length + 1))


def _jaccard(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0
