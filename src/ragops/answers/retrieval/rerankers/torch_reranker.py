"""A cross-encoder on PyTorch, through sentence-transformers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import CrossEncoder

from ragops.answers.retrieval.rerankers.interface import Scores, probabilities
from ragops.answers.retrieval.settings import RerankModel


class TorchReranker:
    """Half precision on a GPU, single precision on a CPU, where half is far slower."""

    def __init__(self, model: RerankModel, folder: Path, device: str | None = None) -> None:
        """Loads the model in `folder`. `device`: as PyTorch names it; None for the first GPU, or else the CPU."""
        chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.float32 if chosen == "cpu" else torch.float16
        self.encoder = CrossEncoder(
            str(folder),
            device=chosen,
            max_length=model.max_tokens,
            activation_fn=torch.nn.Identity(),
            model_kwargs={"dtype": dtype},
        ).eval()

    def score(self, question: str, texts: Sequence[str]) -> Scores:
        """Scores how well each text answers the question: float32, shape (texts,), from 0 to 1."""
        if not texts:
            return np.zeros(0, dtype=np.float32)
        logits = self.encoder.predict([(question, text) for text in texts], show_progress_bar=False)
        return probabilities(np.asarray(logits, dtype=np.float32).reshape(-1))
