"""Fusion of two searches whose scores mean different things."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.index.stores.interface import Hit


def fuse(dense: Sequence[Hit], lexical: Sequence[Hit], settings: RetrievalSettings) -> list[tuple[str, float]]:
    """Ids with their fused scores, best first, each id once; by the method that the settings name."""
    if settings.fusion == "weighted":
        return weighted_fusion(dense, lexical, settings.dense_weight)
    if settings.fusion == "reciprocal_rank":
        return reciprocal_rank_fusion([[hit.chunk_id for hit in hits] for hits in (dense, lexical)])
    return [(hit.chunk_id, hit.score) for hit in (dense if settings.fusion == "dense" else lexical)]


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
    """Joins two rankings by score: dense_weight * dense + (1 - dense_weight) * lexical, each scaled to 0..1.

    An id that one search did not find counts there as its last one does: 0. Ties keep the order first seen.
    """
    parts = _scaled(dense), _scaled(lexical)
    ids = dict.fromkeys([*parts[0], *parts[1]])
    scores = {i: dense_weight * parts[0].get(i, 0.0) + (1 - dense_weight) * parts[1].get(i, 0.0) for i in ids}
    return sorted(scores.items(), key=lambda pair: -pair[1])


def _scaled(hits: Sequence[Hit]) -> Mapping[str, float]:
    """Scores from 0 for the lowest to 1 for the highest; 1 for all where they are equal."""
    if not hits:
        return {}
    low, high = min(hit.score for hit in hits), max(hit.score for hit in hits)
    if low == high:
        return {hit.chunk_id: 1.0 for hit in hits}
    return {hit.chunk_id: (hit.score - low) / (high - low) for hit in hits}
