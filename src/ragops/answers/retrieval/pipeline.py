"""Question -> passages in one function, `retrieve`: both searches, fusion, deduplication, reranking, diversity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ragops.answers.retrieval.ranking import distinct, fuse, marginal_relevance
from ragops.answers.retrieval.rerankers.interface import Reranker
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.index.access import Reader
from ragops.corpus.index.generations.generation import Generation, lexical_text
from ragops.corpus.index.passages import Passage, Vector
from ragops.corpus.index.stores.interface import Hit


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with its score and its ranks, from 1, in the two searches (None: not among their candidates).

    The score, higher is better, comes from the reranker (0 to 1) if there is one, else from the fusion; it orders the
    passages of one question. `similarity` is the cosine to the question, which is comparable between questions.
    """

    passage: Passage
    score: float
    dense_rank: int | None
    lexical_rank: int | None
    similarity: float | None = None


def retrieve(
    generation: Generation,
    question: str,
    vector: Vector,
    settings: RetrievalSettings,
    groups: Reader,
    reranker: Reranker | None = None,
) -> list[Found]:
    """The settings' k best passages that members of these groups may see, best first.

    Args:
        generation: the opened index.
        question: its text, for the lexical search and the reranker.
        vector: of the question, float32 of shape (dimension,), from the index's own model.
        settings: how to search.
        groups: the asker's groups; None for no restriction.
        reranker: for `settings.rerank`; None if there is none.
    """
    dense = generation.dense(vector, settings.candidates, groups) if settings.fusion != "lexical" else []
    lexical = generation.lexical(question, settings.candidates, groups) if settings.fusion != "dense" else []
    found = _found(generation, dense, lexical, settings)
    if settings.duplicates is not None:
        found = [found[i] for i in distinct([one.passage.text for one in found], settings.duplicates)]
    if settings.rerank and reranker:
        found = _reranked(found[: max(settings.k, settings.rerank.top)], question, reranker)
    if settings.mmr is not None:
        found = _diverse(generation, found, settings.mmr, settings.k)
    return _with_similarity(generation, found[: settings.k], vector)


def _found(
    generation: Generation, dense: Sequence[Hit], lexical: Sequence[Hit], settings: RetrievalSettings
) -> list[Found]:
    """Fused hits with their passages; only k of them if no later step chooses from more."""
    choosing = settings.duplicates is not None or settings.rerank or settings.mmr is not None
    fused = dict(fuse(dense, lexical, settings)[: settings.candidates if choosing else settings.k])
    ranks = [{hit.chunk_id: rank for rank, hit in enumerate(hits, start=1)} for hits in (dense, lexical)]
    cosines = {hit.chunk_id: hit.score for hit in dense}
    return [
        Found(
            passage=one,
            score=fused[one.chunk_id],
            dense_rank=ranks[0].get(one.chunk_id),
            lexical_rank=ranks[1].get(one.chunk_id),
            similarity=cosines.get(one.chunk_id),
        )
        for one in generation.passages(list(fused))
    ]


def _reranked(found: Sequence[Found], question: str, reranker: Reranker) -> list[Found]:
    """Sorted by the cross-encoder, which also reads title and headings; ties keep their order."""
    scores = reranker.score(question, [lexical_text(one.passage) for one in found])
    scored = [replace(one, score=float(score)) for one, score in zip(found, scores, strict=True)]
    return sorted(scored, key=lambda one: -one.score)


def _with_similarity(generation: Generation, found: Sequence[Found], vector: Vector) -> list[Found]:
    """Adds the similarity of passages that only the lexical search found: every answer's evidence score needs it."""
    missing = [one.passage.chunk_id for one in found if one.similarity is None]
    if not missing:
        return list(found)
    cosines = {
        entry.chunk_id: float(entry.vector @ vector / (np.linalg.norm(entry.vector) * np.linalg.norm(vector)))
        for entry in generation.store.get(missing)
    }
    return [replace(one, similarity=cosines.get(one.passage.chunk_id, one.similarity)) for one in found]


def _diverse(generation: Generation, found: Sequence[Found], weight: float, k: int) -> list[Found]:
    entries = generation.store.get([one.passage.chunk_id for one in found])
    vectors = {entry.chunk_id: entry.vector for entry in entries}
    known = [one for one in found if one.passage.chunk_id in vectors]
    if not known:
        return []
    stacked = np.stack([vectors[one.passage.chunk_id] for one in known])
    return [known[i] for i in marginal_relevance([one.score for one in known], stacked, weight, k)]
