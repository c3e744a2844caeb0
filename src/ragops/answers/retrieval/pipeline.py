"""Question -> passages in one function, `retrieve`: both searches, fusion, deduplication, reranking, diversity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import starmap

import numpy as np

from ragops.answers.retrieval.ranking import distinct, fuse, marginal_relevance
from ragops.answers.retrieval.rerankers.interface import Reranker
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.index.access import Reader
from ragops.corpus.index.generations.generation import Generation, lexical_text
from ragops.corpus.index.passages import Passage, Vector
from ragops.corpus.index.stores.interface import Hit, batched

# Of one search: more candidates would only be near-duplicates of those found, and a search for 3,200 takes 50 ms.
_MOST_CANDIDATES = 3200
_MORE = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with its score and its ranks, from 1, in the two searches (None: not among their candidates).

    The score, higher is better, comes from the reranker (0 to 1) if there is one, else from the fusion; it orders the
    passages of one question. `similarity` is the cosine to the question, which is comparable between questions.
    `also_in`: paths of other documents with a copy of the passage that the asker may see.
    """

    passage: Passage
    score: float
    dense_rank: int | None
    lexical_rank: int | None
    similarity: float | None = None
    also_in: tuple[str, ...] = ()


def retrieve(
    generation: Generation,
    question: str,
    vector: Vector,
    settings: RetrievalSettings,
    groups: Reader,
    reranker: Reranker | None = None,
) -> list[Found]:
    """The settings' k best passages that members of these groups may see, best first; copies are one passage.

    Args:
        generation: the opened index.
        question: its text, for the lexical search and the reranker.
        vector: of the question, float32 of shape (dimension,), from the index's own model.
        settings: how to search.
        groups: the asker's groups; None for no restriction.
        reranker: for `settings.rerank`; None if there is none.
    """
    found = _candidates(generation, question, vector, settings, groups, reranking=reranker is not None)
    if settings.rerank and reranker:
        found = _reranked(found, question, reranker)
    if settings.mmr is not None:
        found = _diverse(generation, found, settings.mmr, settings.k)
    return _completed(generation, found[: settings.k], vector, groups)


def _candidates(
    generation: Generation,
    question: str,
    vector: Vector,
    settings: RetrievalSettings,
    groups: Reader,
    reranking: bool,
) -> list[Found]:
    """The best passages without near-duplicates, as many as later steps choose from.

    If near-duplicates leave fewer than k of them, the searches are repeated with more candidates.
    """
    needed = settings.k
    if settings.rerank and reranking:
        needed = max(needed, settings.rerank.top)
    if settings.mmr is not None:
        needed = max(needed, settings.candidates)
    candidates = settings.candidates
    while True:
        dense = generation.dense(vector, candidates, groups) if settings.fusion != "lexical" else []
        lexical = generation.lexical(question, candidates, groups) if settings.fusion != "dense" else []
        fused = fuse(*_all_scored(generation, question, vector, dense, lexical, settings), settings)
        found = _distinct(generation, fused, dense, lexical, settings, groups, needed)
        exhausted = max(len(dense), len(lexical)) < candidates
        if len(found) >= settings.k or exhausted or candidates >= _MOST_CANDIDATES:
            return found
        candidates = min(candidates * _MORE, _MOST_CANDIDATES)


def _all_scored(
    generation: Generation,
    question: str,
    vector: Vector,
    dense: Sequence[Hit],
    lexical: Sequence[Hit],
    settings: RetrievalSettings,
) -> tuple[Sequence[Hit], Sequence[Hit]]:
    """Both lists with the scores of what only the other search found, where the fusion weighs scores.

    With 0 instead, a text found by one search was below the last one found by both.
    """
    if settings.fusion != "weighted":
        return dense, lexical
    near, worded = ([hit.text_hash for hit in hits] for hits in (dense, lexical))
    cosines = generation.cosines(vector, [text for text in worded if text not in set(near)])
    scores = generation.word_scores(question, [text for text in near if text not in set(worded)])
    return [*dense, *starmap(Hit, cosines.items())], [*lexical, *starmap(Hit, scores.items())]


def _distinct(
    generation: Generation,
    fused: Sequence[tuple[str, float]],
    dense: Sequence[Hit],
    lexical: Sequence[Hit],
    settings: RetrievalSettings,
    groups: Reader,
    most: int,
) -> list[Found]:
    """Fused hits with their passages, without near-duplicates, up to `most`."""
    if settings.duplicates is None:
        passages = generation.of_texts([text for text, _ in fused[:most]], groups)
    else:
        read: list[Passage] = []
        texts = _texts(generation, [text for text, _ in fused], groups, most, read)
        passages = [read[i] for i in distinct(texts, settings.duplicates, most)]
    scores, cosines = dict(fused), {hit.text_hash: hit.score for hit in dense}
    ranks = [{hit.text_hash: rank for rank, hit in enumerate(hits, start=1)} for hits in (dense, lexical)]
    return [
        Found(
            passage=one,
            score=scores[one.text_hash],
            dense_rank=ranks[0].get(one.text_hash),
            lexical_rank=ranks[1].get(one.text_hash),
            similarity=cosines.get(one.text_hash),
        )
        for one in passages
    ]


def _texts(
    generation: Generation, hashes: Sequence[str], groups: Reader, most: int, read: list[Passage]
) -> Iterator[str]:
    """The texts of these passages, read as far as they are needed; `read` receives the passages."""
    for some in batched(hashes, 2 * most):
        for passage in generation.of_texts(some, groups):
            read.append(passage)
            yield passage.text


def _reranked(found: Sequence[Found], question: str, reranker: Reranker) -> list[Found]:
    """Sorted by the cross-encoder, which also reads title and headings; ties keep their order."""
    scores = reranker.score(question, [lexical_text(one.passage) for one in found])
    scored = [replace(one, score=float(score)) for one, score in zip(found, scores, strict=True)]
    return sorted(scored, key=lambda one: -one.score)


def _completed(generation: Generation, found: Sequence[Found], vector: Vector, groups: Reader) -> list[Found]:
    """Adds copies, and the similarity of passages that only the lexical search found: evidence scores need it."""
    paths = generation.paths([one.passage.text_hash for one in found], groups)
    missing = [one.passage.text_hash for one in found if one.similarity is None]
    cosines = generation.cosines(vector, missing)
    return [
        replace(
            one,
            similarity=cosines.get(one.passage.text_hash, one.similarity),
            also_in=tuple(path for path in paths.get(one.passage.text_hash, ()) if path != one.passage.path),
        )
        for one in found
    ]


def _diverse(generation: Generation, found: Sequence[Found], weight: float, k: int) -> list[Found]:
    vectors = {text.text_hash: text.vector for text in generation.store.get([one.passage.text_hash for one in found])}
    known = [one for one in found if one.passage.text_hash in vectors]
    if not known:
        return []
    stacked = np.stack([vectors[one.passage.text_hash] for one in known])
    return [known[i] for i in marginal_relevance([one.score for one in known], stacked, weight, k)]
