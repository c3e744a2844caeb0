"""A converted cross-encoder on OpenVINO, without importing PyTorch or transformers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Encoding

from ragops.answers.retrieval.rerankers.interface import Scores, probabilities
from ragops.answers.retrieval.settings import RerankModel
from ragops.corpus.embeddings.openvino_encoder import BATCH_TOKENS, OpenVinoGraph
from ragops.corpus.embeddings.padding import batches, padded


class OpenVinoReranker:
    """Scores with a converted model: fp32, pairs sorted by length to keep padding small. Thread-safe."""

    def __init__(self, folder: Path, model: RerankModel, threads: int = 0) -> None:
        """Compiles the graph in `folder` for this CPU. `threads`: cores to use, 0 for all."""
        self._max_tokens = model.max_tokens
        self._graph = OpenVinoGraph(folder, model.max_tokens, threads)

    def score(self, question: str, texts: Sequence[str]) -> Scores:
        """Scores how well each text answers the question: float32, shape (texts,), from 0 to 1."""
        logits = np.zeros(len(texts), dtype=np.float32)
        pairs = self._graph.tokenizer.encode_batch([(question, text) for text in texts])
        for rows in batches([len(pair) for pair in pairs], BATCH_TOKENS):
            logits[rows] = self._infer([pairs[row] for row in rows])
        return probabilities(logits)

    def _infer(self, pairs: Sequence[Encoding]) -> Scores:
        ids, mask = padded([np.array(pair.ids, np.int64) for pair in pairs], self._max_tokens, self._graph.pad_id)
        types, _ = padded([np.array(pair.type_ids, np.int64) for pair in pairs], self._max_tokens, 0)
        return self._graph.infer(ids, mask, types).reshape(-1)
