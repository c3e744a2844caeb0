"""An encoder whose vectors are lengths and which counts its texts; imported by the workers of test_udf."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ragops.corpus.embeddings.interface import Device, Encoder, Vectors


@dataclass(frozen=True)
class CountingSource:
    log: Path
    uses_gpu: bool = field(default=False, init=False)

    def load(self, device: Device) -> Encoder:
        return CountingEncoder(self.log)


@dataclass(frozen=True)
class CountingEncoder:
    log: Path
    dimension: int = 2

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        with (self.log / f"{os.getpid()}").open("a", encoding="utf-8") as file:
            file.writelines(f"{text}\n" for text in texts)
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self.encode_documents(texts)
