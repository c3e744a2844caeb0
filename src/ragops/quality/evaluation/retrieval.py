"""Retrieval on the evaluation set, for several settings: coverage, recall, ranks, latency and context size.

Source of the ranking measures: ir-measures. Needs `ragops[evaluate]`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ragops.answers.retrieval.context import pack
from ragops.answers.retrieval.pipeline import retrieve
from ragops.answers.retrieval.rerankers.interface import Reranker
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.assembly import Locations, open_reranker, query_encoder
from ragops.corpus.chunks.tokens import TokenCounter, tokenizer_counter
from ragops.corpus.embeddings.interface import Encoder
from ragops.corpus.embeddings.model import fingerprint, tokenizer_file
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.passages import Vector
from ragops.errors import UserError
from ragops.quality.gold import in_no_passage, is_answered_by, is_covered
from ragops.quality.questions import Question
from ragops.quality.statistics.intervals import Interval, difference_interval, share_interval

if TYPE_CHECKING:
    from ragops.usecase import UseCase

MEASURES: Mapping[str, str] = {
    "recall_at_1": "R@1",
    "recall_at_5": "R@5",
    "recall_at_10": "R@10",
    "mrr": "RR@10",
    "ndcg_at_10": "nDCG@10",
}
"""The names of ir-measures by the names of the use case's success criteria."""
DEPTH = 10
"""How many passages the measures look at."""
COVERAGE = "coverage"
"""The share of questions of whose quotes enough is in the context that a model would get: the settings' k passages,
packed into `retrieval.context_tokens`."""
COMPARED = (COVERAGE, "ndcg_at_10")
"""The measures by which settings are compared with the use case's, the most important first."""

_WEIGHTS = (0.3, 0.5, 0.7, 0.8, 0.9)
_MMR = 0.7
_DUPLICATES = 0.9

Values = NDArray[np.float64]


@dataclass(frozen=True)
class SettingsResult:
    """The figures of one retrieval setting.

    Attributes:
        settings: the settings.
        clusters: for each question the name of its cluster.
        values: by measure, one per question.
        milliseconds: for each question, encoding included.
        tokens: the context's length, for each question.
    """

    settings: RetrievalSettings
    clusters: tuple[str, ...]
    values: dict[str, Values]
    milliseconds: Values = field(repr=False)
    tokens: Values = field(repr=False)

    def interval(self, name: str) -> Interval:
        """A measure's mean over the questions."""
        return share_interval(self.values[name], self.clusters)

    def difference(self, other: SettingsResult, name: str) -> Interval:
        """By how much this result is better than the other, paired by question."""
        return difference_interval(self.values[name] - other.values[name], self.clusters)

    def percentile(self, percent: float) -> float:
        """The latency in milliseconds that this percentage of the searches stay below."""
        return float(np.percentile(self.milliseconds, percent))


@dataclass(frozen=True)
class Evaluator:
    """Searches one generation of the index for the same questions under any settings.

    `count_tokens` measures contexts; `reranker` is the use case's.
    """

    generation: Generation
    encoder: Encoder
    count_tokens: TokenCounter
    questions: Sequence[Question]
    reranker: Reranker | None = None

    def evaluate(
        self,
        settings: Sequence[RetrievalSettings],
        on_progress: Callable[[RetrievalSettings], None] = lambda settings: None,
    ) -> list[SettingsResult]:
        """The figures of each of the settings, in their order; `on_progress` is called with each before it is measured.

        All passages are searched, without access rules: the search is measured, not one reader's view of it.
        """
        encoded = [self._encode(question) for question in self.questions]
        results = []
        for one in settings:
            on_progress(one)
            results.append(self._measure(one, encoded))
        return results

    def in_no_passage(self) -> list[str]:
        """The ids of questions whose gold no passage has: nothing that is measured here can find it."""
        passages = self.generation.table.texts_and_paths()
        return [one.question_id for one in in_no_passage(self.questions, passages)]

    def _encode(self, question: Question) -> tuple[Vector, float]:
        started = time.perf_counter()
        vector = self.encoder.encode_queries([question.question])[0]
        return vector, time.perf_counter() - started

    def _measure(self, settings: RetrievalSettings, encoded: Sequence[tuple[Vector, float]]) -> SettingsResult:
        deep = settings.model_copy(
            update={"k": max(settings.k, DEPTH), "candidates": max(settings.candidates, settings.k, DEPTH)}
        )
        ranks, seconds, contexts, tokens = [], [], [], []
        for question, (vector, encoding) in zip(self.questions, encoded, strict=True):
            started = time.perf_counter()
            found = retrieve(self.generation, question.question, vector, deep, None, self.reranker)
            context = pack(found[: settings.k], self.generation.neighbors, self.count_tokens, settings)
            seconds.append(encoding + time.perf_counter() - started)
            ranks.append(answer_rank(question, [(one.passage.text, one.passage.path) for one in found]))
            contexts.append(is_covered(question, [(one.text, one.found.passage.path) for one in context.sources]))
            tokens.append(context.tokens)
        values = {**measure(ranks), COVERAGE: np.array(contexts, np.float64)}
        clusters = tuple(question.cluster for question in self.questions)
        return SettingsResult(settings, clusters, values, np.array(seconds) * 1000, np.array(tokens, np.float64))


@contextmanager
def open_evaluator(use_case: UseCase, locations: Locations, questions: Sequence[Question]) -> Iterator[Evaluator]:
    """An evaluator over the live index for questions whose answer's place is known; closes the index afterwards.

    Raises:
        UserError: no question says where its answer is, there is no index, the index was built with another
            embedding model, or the extra `evaluate` is not installed.
    """
    from ragops.corpus.index.reading.reader import IndexReader

    if find_spec("ir_measures") is None:
        raise UserError("evaluation: package ir_measures is not installed; install ragops[evaluate]")
    located = [one for one in questions if one.has_gold]
    if not located:
        known = f"none of the {len(questions)} questions says where in the documents its answer is"
        raise UserError(f"evaluation.questions: {known}; give some of them quotes, passages or documents")
    reader = IndexReader(locations.index)
    try:
        reader.check_encoder(fingerprint(use_case.embedding), use_case.embedding.name)
        yield Evaluator(
            reader.generation(),
            query_encoder(use_case, locations.models),
            tokenizer_counter(tokenizer_file(use_case.embedding)),
            located,
            open_reranker(use_case, locations.models),
        )
    finally:
        reader.close()


def measure_names() -> list[str]:
    """All measures, in the order in which reports show them."""
    return [COVERAGE, *MEASURES]


def answer_rank(question: Question, passages: Sequence[tuple[str, str]]) -> int | None:
    """The rank, from 1, of the first passage (text, path) that answers the question; None if none does."""
    found = (rank for rank, (text, path) in enumerate(passages, start=1) if is_answered_by(question, text, path))
    return next(found, None)


def measure(ranks: Sequence[int | None]) -> dict[str, Values]:
    """Each measure's value for each question, in the questions' order, shape (questions,), from 0 to 1.

    `ranks`: of each question's answer, None where it was not found. A question has one answer, however many passages
    contain it: so recall at k is the share of questions answered by the first k, and dropping duplicates costs nothing.
    """
    from ir_measures import Qrel, ScoredDoc, iter_calc, parse_measure

    names = [f"{number:06d}" for number in range(len(ranks))]
    relevant = [Qrel(name, "answer", 1) for name in names]
    # A question whose answer was not found needs a run too: without one it would be missing from the means.
    found = [
        ScoredDoc(name, "answer" if rank == position else f"other {position}", float(-position))
        for name, rank in zip(names, ranks, strict=True)
        for position in range(1, max(rank or 0, 1) + 1)
    ]
    measures = {parse_measure(symbol): name for name, symbol in MEASURES.items()}
    values = {name: np.zeros(len(ranks)) for name in MEASURES}
    for metric in iter_calc(list(measures), relevant, found):
        values[measures[metric.measure]][int(metric.query_id)] = metric.value
    return values


def settings_grid(own: RetrievalSettings) -> list[RetrievalSettings]:
    """Settings to compare, each once: the use case's `own`, the plain fusions, and its own with one part changed."""
    changes: list[dict[str, Any]] = [
        *({"fusion": fusion} for fusion in ("dense", "lexical", "reciprocal_rank")),
        *({"fusion": "weighted", "dense_weight": weight} for weight in _WEIGHTS),
        {},
        {"neighbours": 0 if own.neighbours else 1},
        {"mmr": _MMR if own.mmr is None else None},
        {"duplicates": _DUPLICATES if own.duplicates is None else None},
        *([{"rerank": None}] if own.rerank else []),
    ]
    return list(dict.fromkeys(own.model_copy(update=change) for change in changes))


def settings_label(settings: RetrievalSettings, own: RetrievalSettings) -> str:
    """The fusion, and what else differs from the use case's `own` settings, in a few words."""
    fusions = {
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
    differing = [words for name, words in others.items() if getattr(settings, name) != getattr(own, name)]
    return ", ".join([fusions[settings.fusion], *differing])
