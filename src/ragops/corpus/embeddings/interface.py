"""What every encoder can do, and what a Spark worker needs in order to make one."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ragops.corpus.embeddings.devices import Device

Vectors = NDArray[np.float32]


def normalised(vectors: Vectors) -> Vectors:
    """Scales each row to Euclidean length 1; a zero vector stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


class Encoder(Protocol):
    """Turns texts into float32 vectors of shape (texts, dimension), rows in the texts' order; no texts give no rows."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encodes passages, each after the model's document prompt."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encodes questions, each after the model's query prompt."""


class EncoderSource(Protocol):
    """A recipe for an encoder: small, hashable and picklable, so that it travels to workers and keys their cache."""

    @property
    def uses_gpu(self) -> bool:
        """Whether `load` must be told which GPU the task owns."""

    def load(self, device: Device) -> Encoder:
        """Makes the encoder in this process, on `device`.

        Raises:
            UserError: the encoder's model is not there.
        """
