"""Which settings are compared: the card's own, the plain fusions, and the card's fusion with one step more or less."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.answers.retrieval.settings import RetrievalSettings

WEIGHTS = (0.3, 0.5, 0.7, 0.8, 0.9)
MMR = 0.7
NEIGHBOURS = 1


def grid(card: RetrievalSettings) -> list[RetrievalSettings]:
    """Settings to compare, each once, the card's own among them."""
    return list(dict.fromkeys([*_fusions(card), *_steps(card)]))


def label(settings: RetrievalSettings, card: RetrievalSettings) -> str:
    """The fusion, and in what else the settings differ from the card's, in a few words."""
    names = {
        "dense": "dense only",
        "lexical": "BM25 only",
        "reciprocal_rank": "reciprocal rank",
        "weighted": f"weighted {settings.dense_weight:g}",
    }
    others = {
        "rerank": f"rerank {settings.rerank.top}" if settings.rerank else "no reranker",
        "mmr": f"MMR {settings.mmr:g}" if settings.mmr is not None else "no MMR",
        "duplicates": "duplicates kept" if settings.duplicates is None else "duplicates dropped",
        "neighbours": f"{settings.neighbours or 'no'} neighbours",
    }
    differing = [words for name, words in others.items() if getattr(settings, name) != getattr(card, name)]
    return ", ".join([names[settings.fusion], *differing])


def _fusions(card: RetrievalSettings) -> Iterator[RetrievalSettings]:
    for fusion in ("dense", "lexical", "reciprocal_rank"):
        yield _changed(card, fusion=fusion)
    for weight in WEIGHTS:
        yield _changed(card, fusion="weighted", dense_weight=weight)


def _steps(card: RetrievalSettings) -> Iterator[RetrievalSettings]:
    yield card
    yield _changed(card, neighbours=0 if card.neighbours else NEIGHBOURS)
    yield _changed(card, mmr=MMR if card.mmr is None else None)
    yield _changed(card, duplicates=0.9 if card.duplicates is None else None)
    if card.rerank:
        yield _changed(card, rerank=None)


def _changed(card: RetrievalSettings, **changes: object) -> RetrievalSettings:
    return card.model_copy(update=changes)
