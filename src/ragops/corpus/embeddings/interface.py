"""The interface of encoders, and of the recipes from which Spark workers create them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ragops.corpus.embeddings.model import EmbeddingModel

Vectors = NDArray[np.float32]


def normalized(vectors: Vectors) -> Vectors:
    """Vectors of Euclidean length 1 in the same directions, row by row; a zero vector stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


@dataclass(frozen=True)
class Device:
    """A device that a model runs on: the CPU, or one GPU by this process's index."""

    gpu: int | None = None

    def __str__(self) -> str:
        """PyTorch's name of the device."""
        return "cpu" if self.gpu is None else f"cuda:{self.gpu}"


CPU = Device()


class Encoder(Protocol):
    """Turns texts into float32 vectors of shape (texts, dimension), rows in the texts' order; no texts give no rows."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encodes passages, each after the model's document prompt."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encodes questions, each after the model's query prompt."""


class PromptedEncoder(ABC):
    """Base of encoders: adds the model's prompts to texts, which subclasses encode."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._model.dimension

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Float32 vectors of shape (texts, dimension), each text after the model's document prompt."""
        return self._encode([self._model.document_prompt + text for text in texts])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Float32 vectors of shape (texts, dimension), each text after the model's query prompt."""
        return self._encode([self._model.query_prompt + text for text in texts])

    @abstractmethod
    def _encode(self, texts: list[str]) -> Vectors:
        """Float32 vectors of shape (texts, dimension)."""


class EncoderSource(Protocol):
    """A recipe for an encoder: small, hashable and picklable, for sending to workers and as a key of their cache."""

    @property
    def uses_gpu(self) -> bool:
        """Whether `load` needs the GPU that is assigned to the task."""

    def load(self, device: Device) -> Encoder:
        """Creates the encoder in this process, on `device`.

        Raises:
            UserError: the encoder's model is not available.
        """
