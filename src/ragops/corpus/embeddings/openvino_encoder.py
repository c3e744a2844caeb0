"""The CPU encoder: a converted model on OpenVINO, without importing PyTorch or transformers.

It does not use sentence-transformers with `backend="openvino"`, whose import takes 15 s.
"""

import os
import threading
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ragops.corpus.embeddings.conversion import GRAPH, TOKENIZER
from ragops.corpus.embeddings.interface import PromptedEncoder, Vectors
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.padding import TokenIds, batches, padded, token_ids

# Tokens in one inference, padding included: larger batches are not faster on a CPU and need more memory.
BATCH_TOKENS = 2048


class OpenVinoGraph:
    """A converted model: its graph, compiled for this CPU, and its tokenizer, which truncates and does not pad.

    Thread-safe: inferences of several threads wait for each other, since each one uses all cores anyway.
    """

    def __init__(self, folder: Path, max_tokens: int, threads: int = 0) -> None:
        """Compiles the graph in `folder`. `threads`: cores to use, 0 for all."""
        self.tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self.tokenizer.enable_truncation(max_tokens)
        self.pad_id = int((self.tokenizer.padding or {}).get("pad_id", 0))
        self.tokenizer.no_padding()
        compiled = openvino.Core().compile_model(folder / GRAPH, "CPU", cpu_settings(threads))
        self._inputs = [port.get_any_name() for port in compiled.inputs]
        self._request = compiled.create_infer_request()
        self._inferring = threading.Lock()  # a request that is in use refuses others: "Infer Request is busy"

    def infer(self, ids: TokenIds, mask: TokenIds, types: TokenIds) -> NDArray[np.float32]:
        """The graph's output for int64 arrays of shape (texts, width)."""
        tensors = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        with self._inferring:
            self._request.infer({name: tensors[name] for name in self._inputs}, share_inputs=True)
            return np.array(self._request.get_output_tensor(0).data, dtype=np.float32)


class OpenVinoEncoder(PromptedEncoder):
    """Encodes with a converted model: fp32, sorted by length and batched by tokens to keep padding small."""

    def __init__(self, folder: Path, model: EmbeddingModel, threads: int = 0) -> None:
        """Compiles the graph in `folder` for this CPU. `threads`: cores to use, 0 for all."""
        super().__init__(model)
        # One of several workers must not start its own thread pool, and in forked processes the tokenizer would warn.
        os.environ["TOKENIZERS_PARALLELISM"] = "false" if threads == 1 else "true"
        self._graph = OpenVinoGraph(folder, model.max_tokens, threads)

    def _encode(self, texts: list[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        sequences = list(token_ids(self._graph.tokenizer, texts))
        for rows in batches([len(sequence) for sequence in sequences], BATCH_TOKENS):
            ids, mask = padded([sequences[row] for row in rows], self._model.max_tokens, self._graph.pad_id)
            vectors[rows] = self._graph.infer(ids, mask, np.zeros_like(ids))
        return vectors


def cpu_settings(threads: int) -> dict[str, object]:
    """OpenVINO's settings for a model on this CPU. `threads`: cores to use, 0 for all."""
    return {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",  # some CPUs would use bf16, which changes the vectors
        "ENABLE_CPU_PINNING": False,  # pinned, all single-threaded workers of a machine would share its first core
    }
