"""The GPU encoder: sentence-transformers on PyTorch."""

from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from ragops.corpus.embeddings.interface import CPU, Device, PromptedEncoder, Vectors, normalized
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.padding import TokenIds, batches, padded, token_ids

# Tokens in one forward pass, padding included: enough short texts to fill a GPU, and few enough long ones to fit.
_BATCH_TOKENS = 131_072


class TorchEncoder(PromptedEncoder):
    """Encodes with a sentence-transformers model: half precision on a GPU, single on a CPU (where half is far slower).

    Texts are tokenized and batched here: SentenceTransformer.encode makes Python lists of all tokens, while a fast GPU
    waits most of the time; it also sorts by characters, and its batches have a fixed number of texts of any length.
    """

    def __init__(self, model: EmbeddingModel, folder: Path, device: Device = CPU) -> None:
        """Loads the model in `folder` onto `device`."""
        super().__init__(model)
        self.transformer = SentenceTransformer(
            str(folder),
            device=str(device),
            prompts={"query": model.query_prompt, "document": model.document_prompt},
            model_kwargs={"dtype": torch.float32 if device == CPU else torch.float16},
        ).eval()
        self.transformer.max_seq_length = model.max_tokens
        tokenizer = self.transformer.tokenizer
        self.pad_id = int(tokenizer.pad_token_id)
        # A copy: sentence-transformers sets padding and truncation of its own.
        self.tokenizer = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self.tokenizer.enable_truncation(model.max_tokens)
        self.tokenizer.no_padding()

    def _encode(self, texts: list[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        sequences = list(token_ids(self.tokenizer, texts))
        for rows in batches([len(sequence) for sequence in sequences], _BATCH_TOKENS):
            vectors[rows] = self._infer([sequences[row] for row in rows])
        # After the cast: in half precision a unit vector's length is off by up to 0.001.
        return normalized(vectors) if self._model.normalise else vectors

    def _infer(self, sequences: list[TokenIds]) -> Vectors:
        ids, mask = padded(sequences, self._model.max_tokens, self.pad_id)
        with torch.inference_mode():
            features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
            there = {name: tensor.to(self.transformer.device) for name, tensor in features.items()}
            found: Vectors = self.transformer(there)["sentence_embedding"].float().cpu().numpy()
        return found
