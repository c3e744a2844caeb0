"""Recall on a fixed set of questions: keeps a new index generation from replacing one that finds more."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from ragops.corpus.embeddings.interface import CPU, EncoderSource, Vectors
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.publish import RecallGuard
from ragops.corpus.index.passages import Passage
from ragops.quality.gold import is_answered_by
from ragops.quality.questions import Question


class RecallMeter:
    """Measures generations of one model; the model is loaded and the questions are encoded once, on first use."""

    def __init__(self, questions: Sequence[Question], source: EncoderSource, fingerprint: str, k: int = 10) -> None:
        """Uses questions whose answer's place is known; `source` loads the encoder of the model with `fingerprint`."""
        self._questions = [question for question in questions if question.has_gold]
        self._source = source
        self._fingerprint = fingerprint
        self._k = k
        self._encoding: Future[Vectors] | None = None

    def recall(self, generation: Generation) -> float | None:
        """Share of questions with an answering passage among the k nearest; None for another model's index."""
        if generation.manifest.model.fingerprint != self._fingerprint or not self._questions:
            return None
        nearest = [
            [hit.text_hash for hit in generation.dense(vector, self._k, reader=None)] for vector in self._vectors
        ]
        # In one call: one call per question would take most of the time.
        found = generation.of_texts(list(dict.fromkeys(text for texts in nearest for text in texts)), reader=None)
        passages: dict[str, list[Passage]] = {}
        for passage in found:
            passages.setdefault(passage.text_hash, []).append(passage)
        answered = [
            any(is_answered_by(question, one.text, one.path) for text in texts for one in passages.get(text, ()))
            for question, texts in zip(self._questions, nearest, strict=True)
        ]
        return sum(answered) / len(answered)

    def prepare(self) -> None:
        """Starts to load the model and to encode the questions, half a second, in the background."""
        if self._encoding is None:
            background = ThreadPoolExecutor(1)
            self._encoding = background.submit(self._encode)
            background.shutdown(wait=False)

    @property
    def _vectors(self) -> Vectors:
        self.prepare()
        assert self._encoding is not None
        return self._encoding.result()

    def _encode(self) -> Vectors:
        return self._source.load(CPU).encode_queries([question.question for question in self._questions])

    def guard(self, max_drop: float) -> RecallGuard:
        """The guard for publishing a generation."""
        return RecallGuard(measure=self.recall, max_drop=max_drop, prepare=self.prepare)
