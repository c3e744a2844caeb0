"""The CPU encoder: a converted model on OpenVINO, with neither PyTorch nor transformers to import."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from tokenizers import Tokenizer

from ragops.embeddings.encoder import Vectors
from ragops.embeddings.model import EmbeddingModel
from ragops.errors import UserError

GRAPH = "model.xml"
TOKENIZER = "tokenizer.json"
MANIFEST = "manifest.json"

# Tokens in one inference, padding included: larger ones are no faster on a CPU and cost memory.
_BATCH_TOKENS = 2048
# OpenVINO prepares kernels for each shape that it meets: rounding lengths up keeps the shapes few.
_LENGTH_STEP = 16
# A tokenizer's results are a hundred times larger than the ids kept of them.
_TOKENIZED_AT_ONCE = 256

TokenIds = NDArray[np.int64]


class Manifest(BaseModel):
    """What a converted model's folder says of it: its spec, its fingerprint, and the versions that made it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    model: EmbeddingModel
    versions: dict[str, str]


def read_manifest(folder: Path) -> Manifest:
    """Reads a converted model's manifest.

    Raises:
        UserError: `folder` holds no complete conversion.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(
            f"Converted model in {folder}: no valid {MANIFEST}; delete the folder, convert again"
        ) from error


def load_openvino(folder: Path, threads: int = 0) -> "OpenVinoEncoder":
    """Loads what `convert` wrote. `threads`: cores to use, 0 for all.

    Raises:
        UserError: as `read_manifest` does.
    """
    return OpenVinoEncoder(folder, read_manifest(folder).model, threads)


class OpenVinoEncoder:
    """Encodes with a converted model: fp32, sorted by length and batched by tokens, so that little is padding."""

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
        sequences = list(self._token_ids(prompt, texts))
        for rows in batches([len(sequence) for sequence in sequences]):
            vectors[rows] = self._infer([sequences[row] for row in rows])
        return vectors

    def _token_ids(self, prompt: str, texts: Sequence[str]) -> Iterator[TokenIds]:
        for start in range(0, len(texts), _TOKENIZED_AT_ONCE):
            group = [prompt + text for text in texts[start : start + _TOKENIZED_AT_ONCE]]
            for encoding in self._tokenizer.encode_batch_fast(group):
                yield np.array(encoding.ids, dtype=np.int64)

    def _infer(self, sequences: list[TokenIds]) -> Vectors:
        shape = (len(sequences), min(rounded(len(sequences[0])), self._model.max_tokens))
        ids = np.full(shape, self._pad_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
        every = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros(shape, dtype=np.int64)}
        self._request.infer({name: every[name] for name in self._inputs}, share_inputs=True)
        return np.asarray(self._request.get_output_tensor(0).data, dtype=np.float32)


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Groups row numbers, longest first, so that each group, padded to its longest row, is within the token budget."""
    rows = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    start = 0
    while start < len(rows):
        count = max(1, _BATCH_TOKENS // rounded(lengths[rows[start]]))
        yield rows[start : start + count]
        start += count


def rounded(length: int) -> int:
    """A length in tokens, raised to the next one that is used."""
    return -(-length // _LENGTH_STEP) * _LENGTH_STEP


def cpu_settings(threads: int) -> dict[str, object]:
    """OpenVINO's settings for a model on this CPU. `threads`: cores to use, 0 for all."""
    return {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",  # some CPUs would fall to bf16, and the vectors with them
        "ENABLE_CPU_PINNING": False,  # pinned, the single-threaded workers of a machine would all sit on its first core
    }
