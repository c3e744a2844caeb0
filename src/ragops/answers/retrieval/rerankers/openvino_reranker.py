"""A converted cross-encoder on OpenVINO, with neither PyTorch nor transformers to import."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino
from tokenizers import Encoding, Tokenizer

from ragops.answers.retrieval.rerankers.interface import Scores, probabilities
from ragops.answers.retrieval.settings import RerankModel
from ragops.corpus.embeddings.conversion import GRAPH, TOKENIZER
from ragops.corpus.embeddings.openvino_encoder import BATCH_TOKENS, cpu_settings
from ragops.corpus.embeddings.padding import batches, padded


class OpenVinoReranker:
    """Scores with a converted model: fp32, pairs sorted by length, so that little is padding. Thread-safe."""

    def __init__(self, folder: Path, model: RerankModel, threads: int = 0) -> None:
        """Compiles the graph in `folder` for this CPU. `threads`: cores to use, 0 for all."""
        self._longest = model.max_tokens
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.enable_truncation(model.max_tokens)
        self._pad_id = int((self._tokenizer.padding or {}).get("pad_id", 0))
        self._tokenizer.no_padding()
        compiled = openvino.Core().compile_model(folder / GRAPH, "CPU", cpu_settings(threads))
        self._inputs = [port.get_any_name() for port in compiled.inputs]
        self._request = compiled.create_infer_request()
        self._inferring = threading.Lock()  # a request that is in use refuses others: "Infer Request is busy"

    def score(self, question: str, texts: Sequence[str]) -> Scores:
        """How well each text answers the question: float32 of shape (texts,), from 0 to 1."""
        logits = np.zeros(len(texts), dtype=np.float32)
        pairs = self._tokenizer.encode_batch([(question, text) for text in texts])
        for rows in batches([len(pair) for pair in pairs], BATCH_TOKENS):
            logits[rows] = self._infer([pairs[row] for row in rows])
        return probabilities(logits)

    def _infer(self, pairs: Sequence[Encoding]) -> Scores:
        ids, mask = padded([np.array(pair.ids, np.int64) for pair in pairs], self._longest, self._pad_id)
        types, _ = padded([np.array(pair.type_ids, np.int64) for pair in pairs], self._longest, 0)
        every = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        with self._inferring:
            self._request.infer({name: every[name] for name in self._inputs}, share_inputs=True)
            return np.array(self._request.get_output_tensor(0).data, dtype=np.float32).reshape(-1)
