"""Searching: the question is encoded with the index's own model, both searches run, their rankings are fused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ragops.embeddings.encoder import Encoder
from ragops.embeddings.model import EmbeddingModel, fingerprint
from ragops.errors import UserError
from ragops.index.entries import Passage
from ragops.index.generation import Generation
from ragops.index.reader import IndexReader
from ragops.retrieval.fusion import reciprocal_rank_fusion

MAX_QUESTION_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with its fused score (higher is better) and its ranks, from 1, in the two searches."""

    passage: Passage
    score: float
    dense_rank: int | None
    lexical_rank: int | None


class Searcher:
    """Search over a schema's live index; follows its pointer."""

    def __init__(self, root: Path, model: EmbeddingModel, encoder: Encoder, candidates: int = 50) -> None:
        """Opens the index.

        Raises:
            UserError: there is none, it is broken, or it was built with another model.
        """
        self._reader = IndexReader(root)
        self._model, self._fingerprint = model, fingerprint(model)
        self._reader.check_encoder(self._fingerprint, model.name)
        self._encoder = encoder
        self._candidates = candidates

    @property
    def generation(self) -> str:
        """The name of the generation that answers."""
        return self._reader.manifest.name

    def search(self, question: str, k: int = 5) -> list[Found]:
        """The k best passages.

        Raises:
            UserError: the question is empty or far too long, or an index of another model was published meanwhile.
        """
        vector = self._encoder.encode_queries([checked(question)])[0]
        generation = self._reader.generation()
        generation.check_encoder(self._fingerprint, self._model.name)
        dense = [hit.chunk_id for hit in generation.dense(vector, max(k, self._candidates))]
        lexical = [hit.chunk_id for hit in generation.lexical(question, max(k, self._candidates))]
        return _found(generation, dense, lexical, k)

    def close(self) -> None:
        """Closes the index."""
        self._reader.close()


def checked(question: str) -> str:
    """The question without surrounding white space. Raises UserError when it is empty or too long."""
    text = question.strip()
    if not text:
        raise UserError('question: it is empty; ask something, for example: ragops search "how do I open a file"')
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise UserError(f"question: {len(text):,} characters, at most {MAX_QUESTION_CHARACTERS:,}; shorten it")
    return text


def _found(generation: Generation, dense: list[str], lexical: list[str], k: int) -> list[Found]:
    fused = dict(reciprocal_rank_fusion([dense, lexical])[:k])
    ranks = [{chunk_id: rank for rank, chunk_id in enumerate(ids, start=1)} for ids in (dense, lexical)]
    return [
        Found(passage, fused[passage.chunk_id], ranks[0].get(passage.chunk_id), ranks[1].get(passage.chunk_id))
        for passage in generation.passages(list(fused))
    ]
