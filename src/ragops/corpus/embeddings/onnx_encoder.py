"""The CPU encoder of quantized ONNX models: ONNX Runtime, one text at a time.

These models measure the range of the numbers in a whole batch to scale them to 8 bits, so in a batch a text's vector
depends on the other texts and on padding: to a cosine of 0.99. Alone, a text has one vector. It is also faster: of
all-MiniLM-L6-v2 in int8, 128 texts take 1.6 s of CPU time, in batches on OpenVINO 3.2 s, and in fp32 on OpenVINO 2.2 s.
"""

import os
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from ragops.corpus.embeddings.conversion import TOKENIZER
from ragops.corpus.embeddings.interface import PromptedEncoder, Vectors, normalized
from ragops.corpus.embeddings.maven import ONNX
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.padding import TokenIds, token_ids


class OnnxEncoder(PromptedEncoder):
    """Encodes with a quantized model. Thread-safe, as sessions of ONNX Runtime are."""

    def __init__(self, folder: Path, model: EmbeddingModel, threads: int = 0) -> None:
        """Loads the model in `folder`. `threads`: cores to use, 0 for all."""
        super().__init__(model)
        os.environ["TOKENIZERS_PARALLELISM"] = "false" if threads == 1 else "true"
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.enable_truncation(model.max_tokens)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(folder / ONNX, options, providers=["CPUExecutionProvider"])
        self._inputs = [one.name for one in self._session.get_inputs()]
        self._tokens = next(one.name for one in self._session.get_outputs() if len(one.shape) == 3)

    def _encode(self, texts: list[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, ids in enumerate(token_ids(self._tokenizer, texts)):
            vectors[row] = self._infer(ids)
        return normalized(vectors) if self._model.normalise else vectors

    def _infer(self, ids: TokenIds) -> Vectors:
        """The pooled vector of one text, shape (dimension,)."""
        row = ids[None]
        tensors = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        (tokens,) = self._session.run([self._tokens], {name: tensors[name] for name in self._inputs})
        found: Vectors = tokens[0].mean(axis=0) if self._model.pooling == "mean" else tokens[0][0]
        return found
