"""The CPU encoder: a converted model on OpenVINO, with neither PyTorch nor transformers to import."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino
from tokenizers import Tokenizer

from ragops.corpus.embeddings.conversion import GRAPH, TOKENIZER, read_manifest
from ragops.corpus.embeddings.interface import Vectors
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.padding import TokenIds, batches, padded, token_ids

# Tokens in one inference, padding included: larger ones are no faster on a CPU and cost memory.
BATCH_TOKENS = 2048


def load_openvino(folder: Path, threads: int = 0) -> "OpenVinoEncoder":
    """Loads what `convert` wrote. `threads`: cores to use, 0 for all.

    Raises:
        UserError: as `read_manifest` does.
    """
    return OpenVinoEncoder(folder, read_manifest(folder).model, threads)


class OpenVinoEncoder:
    """Encodes with a converted model: fp32, sorted by length and batched by tokens, so that little is padding.

    Thread-safe: inferences of several threads wait for each other, since each one uses all cores anyway.
    """

    def __init__(self, folder: Path, model: EmbeddingModel, threads: int = 0) -> None:
        """Compiles the graph in `folder` for this CPU. `threads`: cores to use, 0 for all."""
        # One of several workers must not start a pool of its own, and in forked processes the tokenizer would warn.
        os.environ["TOKENIZERS_PARALLELISM"] = "false" if threads == 1 else "true"
        self._model = model
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.enable_truncation(model.max_tokens)
        self._pad_id = int((self._tokenizer.padding or {}).get("pad_id", 0))
        self._tokenizer.no_padding()
        compiled = openvino.Core().compile_model(folder / GRAPH, "CPU", cpu_settings(threads))
        self._inputs = [port.get_any_name() for port in compiled.inputs]
        self._request = compiled.create_infer_request()
        self._inferring = threading.Lock()  # a request that is in use refuses others: "Infer Request is busy"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._model.dimension

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Returns float32 vectors of shape (texts, dimension), each text after the model's document prompt."""
        return self._encode(self._model.document_prompt, texts)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Returns float32 vectors of shape (texts, dimension), each text after the model's query prompt."""
        return self._encode(self._model.query_prompt, texts)

    def _encode(self, prompt: str, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        sequences = list(token_ids(self._tokenizer, [prompt + text for text in texts]))
        for rows in batches([len(sequence) for sequence in sequences], BATCH_TOKENS):
            vectors[rows] = self._infer([sequences[row] for row in rows])
        return vectors

    def _infer(self, sequences: list[TokenIds]) -> Vectors:
        ids, mask = padded(sequences, self._model.max_tokens, self._pad_id)
        every = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        with self._inferring:
            self._request.infer({name: every[name] for name in self._inputs}, share_inputs=True)
            return np.array(self._request.get_output_tensor(0).data, dtype=np.float32)


def cpu_settings(threads: int) -> dict[str, object]:
    """OpenVINO's settings for a model on this CPU. `threads`: cores to use, 0 for all."""
    return {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",  # some CPUs would fall to bf16, and the vectors with them
        "ENABLE_CPU_PINNING": False,  # pinned, the single-threaded workers of a machine would all sit on its first core
    }
