"""Order of search results: fusion of two rankings, near-duplicates removed, diversity (MMR). Pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.embeddings.interface import Vectors, normalized
from ragops.corpus.index.stores.interface import Hit
from ragops.text import words

_SHINGLE_WORDS = 3


def fuse(dense: Sequence[Hit], lexical: Sequence[Hit], settings: RetrievalSettings) -> list[tuple[str, float]]:
    """Ids with their fused scores, best first, each id once, by `settings.fusion`."""
    if settings.fusion == "weighted":
        return weighted_fusion(dense, lexical, settings.dense_weight)
    if settings.fusion == "reciprocal_rank":
        return reciprocal_rank_fusion([[hit.text_hash for hit in hits] for hits in (dense, lexical)])
    return [(hit.text_hash, hit.score) for hit in (dense if settings.fusion == "dense" else lexical)]


def reciprocal_rank_fusion(rankings: Sequence[Sequence[str]], k: int = 60) -> list[tuple[str, float]]:
    """Joins rankings of ids, best first: the score is the sum of 1 / (k + rank), rank from 1.

    Source: Cormack, Clarke, Buettcher, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR 2009; k as there.
    Ties keep the order in which ids were first seen.
    """
    scores: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] += 1 / (k + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])


def weighted_fusion(dense: Sequence[Hit], lexical: Sequence[Hit], dense_weight: float) -> list[tuple[str, float]]:
    """Joins two lists of scores: dense_weight * dense + (1 - dense_weight) * lexical, each scaled to 0..1.

    Cosines, which have no zero of their own, from the lowest of the list; BM25 scores from 0, no word in common: else a
    question whose words are all common would have its best match as sure as one with a rare word. An id that is missing
    in one list gets 0 there. Ties keep the order first seen.
    """
    parts = _scaled(dense), _scaled(lexical, low=0.0)
    ids = dict.fromkeys([*parts[0], *parts[1]])
    scores = {i: dense_weight * parts[0].get(i, 0.0) + (1 - dense_weight) * parts[1].get(i, 0.0) for i in ids}
    return sorted(scores.items(), key=lambda pair: -pair[1])


def distinct(texts: Iterable[str], threshold: float, most: int) -> list[int]:
    """Indices of up to `most` texts that remain when near-duplicates of earlier ones are dropped.

    Similarity is the share of word triples that two texts have in common (Jaccard), 1 for the same words; a text is
    dropped from `threshold` on. No text after the last one needed is read: comparing all of 50 candidates took three
    quarters of a search.
    """
    kept: list[int] = []
    shingles: list[frozenset[tuple[str, ...]]] = []
    for index, text in enumerate(texts):
        own = _shingles(text)
        if all(_jaccard(own, other) < threshold for other in shingles):
            kept.append(index)
            shingles.append(own)
            if len(kept) == most:
                break
    return kept


def marginal_relevance(scores: Sequence[float], vectors: Vectors, weight: float, k: int) -> list[int]:
    """Indices of the k items chosen one at a time, each by weight * relevance - (1 - weight) * similarity.

    Relevance is the score scaled to 0..1; similarity is the highest cosine to an item chosen before. Ties go to the
    earlier item. Source: Carbonell, Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998.

    Args:
        scores: of the items, on any scale.
        vectors: of the items, shape (items, dimension).
        weight: 1 for relevance alone, 0 for diversity alone.
        k: how many to choose.
    """
    if not len(scores):
        return []
    relevance = np.asarray(scores, dtype=np.float64)
    relevance = (relevance - relevance.min()) / (np.ptp(relevance) or 1.0)
    unit = normalized(vectors)
    similarity = np.zeros(len(scores))
    chosen: list[int] = []
    while len(chosen) < min(k, len(scores)):
        value = weight * relevance - (1 - weight) * similarity
        value[chosen] = -np.inf
        chosen.append(int(value.argmax()))
        cosines = unit @ unit[chosen[-1]]
        similarity = cosines if len(chosen) == 1 else np.maximum(similarity, cosines)
    return chosen


def _scaled(hits: Sequence[Hit], low: float | None = None) -> Mapping[str, float]:
    """Scores from 0 for `low`, by default the lowest, to 1 for the highest; 1 for all if they are equal."""
    if not hits:
        return {}
    least, high = min(hit.score for hit in hits) if low is None else low, max(hit.score for hit in hits)
    if least == high:
        return {hit.text_hash: 1.0 for hit in hits}
    return {hit.text_hash: (hit.score - least) / (high - least) for hit in hits}


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    split = words(text)
    length = min(_SHINGLE_WORDS, len(split))
    return frozenset(tuple(split[i : i + length]) for i in range(len(split) - length + 1))


def _jaccard(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0
