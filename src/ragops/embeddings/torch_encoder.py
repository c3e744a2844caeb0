"""The GPU encoder: sentence-transformers on PyTorch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from ragops.embeddings.devices import CPU, Device
from ragops.embeddings.encoder import Vectors, normalised
from ragops.embeddings.model import EmbeddingModel

# Tokens in one forward pass if every text has the maximum length: fills a GPU with short texts, fits it with long ones.
_BATCH_TOKENS = 131_072


class TorchEncoder:
    """Encodes with sentence-transformers: half precision on a GPU, single on a CPU (where half is far slower)."""

    def __init__(self, model: EmbeddingModel, folder: Path, device: Device = CPU) -> None:
        """Loads the model in `folder` onto `device`."""
        self._model = model
        self.transformer = SentenceTransformer(
            str(folder),
            device=str(device),
            prompts={"query": model.query_prompt, "document": model.document_prompt},
            model_kwargs={"dtype": torch.float32 if device == CPU else torch.float16},
        ).eval()
        self.transformer.max_seq_length = model.max_tokens
        self._batch_size = max(1, _BATCH_TOKENS // model.max_tokens)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._model.dimension

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Returns float32 vectors of shape (texts, dimension), each text after the model's document prompt."""
        encode = self.transformer.encode_document
        return self._float32(encode(list(texts), batch_size=self._batch_size, show_progress_bar=False))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Returns float32 vectors of shape (texts, dimension), each text after the model's query prompt."""
        encode = self.transformer.encode_query
        return self._float32(encode(list(texts), batch_size=self._batch_size, show_progress_bar=False))

    def _float32(self, encoded: object) -> Vectors:
        vectors = np.asarray(encoded, dtype=np.float32).reshape(-1, self.dimension)
        # After the cast: in half precision a unit vector's length is off by up to 0.001.
        return normalised(vectors) if self._model.normalise else vectors
