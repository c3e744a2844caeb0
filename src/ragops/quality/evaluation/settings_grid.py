"""Which settings are compared: the use case's own, the plain fusions, and its own fusion with one step more or less."""

from __future__ import annotations

from collections.abc import Iterator

from ragops.answers.retrieval.settings import RetrievalSettings

WEIGHTS = (0.3, 0.5, 0.7, 0.8, 0.9)
MMR = 0.7
NEIGHBOURS = 1


def grid(use_case: RetrievalSettings) -> list[RetrievalSettings]:
    """Settings to compare, each once, the use case's own among them."""
    return list(dict.fromkeys([*_fusions(use_case), *_steps(use_case)]))


def label(settings: RetrievalSettings, use_case: RetrievalSettings) -> str:
    """The fusion, and in what else the settings differ from the use case's, in a few words."""
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
    differing = [words for name, words in others.items() if getattr(settings, name) != getattr(use_case, name)]
    return ", ".join([names[settings.fusion], *differing])


def _fusions(use_case: RetrievalSettings) -> Iterator[RetrievalSettings]:
    for fusion in ("dense", "lexical", "reciprocal_rank"):
        yield _changed(use_case, fusion=fusion)
    for weight in WEIGHTS:
        yield _changed(use_case, fusion="weighted", dense_weight=weight)


def _steps(use_case: RetrievalSettings) -> Iterator[RetrievalSettings]:
    yield use_case
    yield _changed(use_case, neighbours=0 if use_case.neighbours else NEIGHBOURS)
    yield _changed(use_case, mmr=MMR if use_case.mmr is None else None)
    yield _changed(use_case, duplicates=0.9 if use_case.duplicates is None else None)
    if use_case.rerank:
        yield _changed(use_case, rerank=None)


def _changed(use_case: RetrievalSettings, **changes: object) -> RetrievalSettings:
    return use_case.model_copy(update=changes)
