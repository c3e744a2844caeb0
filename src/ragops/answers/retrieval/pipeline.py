"""Question -> passages, in one readable function: both searches, fusion, duplicates out, reranking, diversity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ragops.answers.retrieval.diversity import distinct, marginal_relevance
from ragops.answers.retrieval.fusion import fuse
from ragops.answers.retrieval.rerankers.interface import Reranker
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.index.access import Reader
from ragops.corpus.index.generations.generation import Generation, lexical_text
from ragops.corpus.index.passages import Passage, Vector
from ragops.corpus.index.stores.interface import Hit


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with its score and its ranks, from 1, in the two searches (None: not among their candidates).

    The score, higher is better, is the fusion's, or the reranker's (0 to 1) where there is one: it orders the passages
    of one question. `similarity` is the cosine to the question, which can be compared between questions.
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
    reader: Reader,
    reranker: Reranker | None = None,
) -> list[Found]:
    """The settings' k best passages that the reader may see, best first.

    Args:
        generation: the opened index.
        question: its text, for the lexical search and the reranker.
        vector: the question's, float32 of shape (dimension,), by the index's own model.
        settings: how to search.
        reader: the groups of whoever asks.
        reranker: of `settings.rerank`; None where there is none.
    """
    dense = generation.dense(vector, settings.candidates, reader) if settings.fusion != "lexical" else []
    lexical = generation.lexical(question, settings.candidates, reader) if settings.fusion != "dense" else []
    found = _found(generation, dense, lexical, settings)
    if settings.duplicates is not None:
        found = [found[i] for i in distinct([one.passage.text for one in found], settings.duplicates)]
    if settings.rerank and reranker:
        found = _reranked(found[: max(settings.k, settings.rerank.top)], question, reranker)
    if settings.mmr is not None:
        found = _diverse(generation, found, settings.mmr, settings.k)
    return _compared(generation, found[: settings.k], vector)


def _found(
    generation: Generation, dense: Sequence[Hit], lexical: Sequence[Hit], settings: RetrievalSettings
) -> list[Found]:
    """Fused hits with their passages: only k where no later step needs more to choose from."""
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
    """By the cross-encoder, which reads title and headings too; ties keep their order."""
    scores = reranker.score(question, [lexical_text(one.passage) for one in found])
    scored = [replace(one, score=float(score)) for one, score in zip(found, scores, strict=True)]
    return sorted(scored, key=lambda one: -one.score)


def _compared(generation: Generation, found: Sequence[Found], vector: Vector) -> list[Found]:
    """With the similarity of passages that only the lexical search found: every answer asks how near they are."""
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
    held = [one for one in found if one.passage.chunk_id in vectors]
    if not held:
        return []
    stacked = np.stack([vectors[one.passage.chunk_id] for one in held])
    return [held[i] for i in marginal_relevance([one.score for one in held], stacked, weight, k)]
