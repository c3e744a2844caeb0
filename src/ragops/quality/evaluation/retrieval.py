"""Retrieval on the evaluation set, once for each of several settings: how often, how high and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ragops.answers.retrieval.context import pack
from ragops.answers.retrieval.pipeline import retrieve
from ragops.answers.retrieval.rerankers.interface import Reranker
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.corpus.embeddings.interface import Encoder
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.passages import Vector
from ragops.quality.evaluation.bootstrap import Interval, interval
from ragops.quality.evaluation.ranking import DEPTH, MEASURES, Values, answer_rank, measure
from ragops.quality.questions import Question

IN_CONTEXT = "in_context"
"""The share of questions whose answer stands in what a model would be given: the settings' k passages, packed."""
COMPARED = "ndcg_at_10"
"""The measure by which settings are compared with the use case's."""


@dataclass(frozen=True)
class Measured:
    """One setting's figures.

    `values`: by measure, one a question; `milliseconds`: of each question, its encoding included; `tokens`: of each
    question's context.
    """

    settings: RetrievalSettings
    clusters: tuple[str, ...]
    values: dict[str, Values]
    milliseconds: Values = field(repr=False)
    tokens: Values = field(repr=False)

    def interval(self, name: str) -> Interval:
        """A measure's mean over the questions."""
        return interval(self.values[name], self.clusters)

    def difference(self, other: Measured, name: str) -> Interval:
        """By how much this one is better than the other on the same questions, question by question."""
        return interval(self.values[name] - other.values[name], self.clusters)

    def percentile(self, share: float) -> float:
        """Milliseconds that this percentage of the searches stay below."""
        return float(np.percentile(self.milliseconds, share))


@dataclass(frozen=True)
class Evaluator:
    """Answers the same questions with any settings over one opened generation.

    `count_tokens` measures contexts; `reranker` is the use case's.
    """

    generation: Generation
    encoder: Encoder
    count_tokens: TokenCounter
    questions: Sequence[Question]
    reranker: Reranker | None = None

    def evaluate(
        self, grid: Sequence[RetrievalSettings], result: Callable[[RetrievalSettings], None] = lambda settings: None
    ) -> list[Measured]:
        """Figures of each of the settings, in their order; `told` hears what is next.

        All passages are searched, whoever may see them: what is measured is the search, not one reader's.
        """
        encoded = [self._encode(question) for question in self.questions]
        measured = []
        for settings in grid:
            result(settings)
            measured.append(self._measured(settings, encoded))
        return measured

    def _encode(self, question: Question) -> tuple[Vector, float]:
        started = time.perf_counter()
        vector = self.encoder.encode_queries([question.question])[0]
        return vector, time.perf_counter() - started

    def _measured(self, settings: RetrievalSettings, encoded: Sequence[tuple[Vector, float]]) -> Measured:
        deep = settings.model_copy(
            update={"k": max(settings.k, DEPTH), "candidates": max(settings.candidates, settings.k, DEPTH)}
        )
        ranks, seconds, contexts, tokens = [], [], [], []
        for question, (vector, encoding) in zip(self.questions, encoded, strict=True):
            started = time.perf_counter()
            found = retrieve(self.generation, question.question, vector, deep, None, self.reranker)
            context = pack(found[: settings.k], self.generation.neighbours, self.count_tokens, settings)
            seconds.append(encoding + time.perf_counter() - started)
            ranks.append(answer_rank(question, [one.passage.text for one in found]))
            contexts.append(answer_rank(question, [source.text for source in context.sources]) is not None)
            tokens.append(context.tokens)
        values = {**measure(ranks), IN_CONTEXT: np.array(contexts, np.float64)}
        clusters = tuple(question.topic or question.question_id for question in self.questions)
        return Measured(settings, clusters, values, np.array(seconds) * 1000, np.array(tokens, np.float64))


def measure_names() -> list[str]:
    """All measures, in the order to show them."""
    return [*MEASURES, IN_CONTEXT]
