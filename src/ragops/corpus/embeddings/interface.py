"""What every encoder can do, and what a Spark worker needs in order to make one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def normalized(vectors: Vectors) -> Vectors:
    """Scales each row to Euclidean length 1; a zero vector stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


@dataclass(frozen=True)
class Device:
    """A processor that holds a model: the CPU, or one GPU by its index as this process counts them."""

    gpu: int | None = None

    def __str__(self) -> str:
        """Returns PyTorch's name of the device."""
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
