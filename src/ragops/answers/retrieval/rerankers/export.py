"""The child process of a cross-encoder's conversion: PyTorch in, OpenVINO out, and a check that scores are equal."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ragops.answers.retrieval.rerankers.interface import Reranker
from ragops.answers.retrieval.rerankers.load import fingerprint, locate
from ragops.answers.retrieval.rerankers.openvino_reranker import OpenVinoReranker
from ragops.answers.retrieval.rerankers.torch_reranker import TorchReranker
from ragops.answers.retrieval.settings import RerankModel
from ragops.corpus.embeddings.conversion import CANONICAL_TEXTS, MANIFEST, REFUSED
from ragops.corpus.embeddings.export import graph_inputs, library_versions, write_graph
from ragops.errors import UserError

LARGEST_DIFFERENCE = 0.001


class _Graph(torch.nn.Module):
    """The cross-encoder's model with tensors as arguments, so that it can be traced."""

    def __init__(self, reranker: TorchReranker, inputs: Sequence[str]) -> None:
        super().__init__()
        self._model = reranker.encoder.model
        self._inputs = inputs

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self._model(**dict(zip(self._inputs, tensors, strict=True))).logits
        return scores


def export(model: RerankModel, folder: Path) -> None:
    """Writes graph, tokenizer and manifest of `model` into the empty `folder`.

    Raises:
        UserError: the converted model's scores differ from PyTorch's (see `check`).
    """
    reference = TorchReranker(model, locate(model), "cpu")
    tokenizer = reference.encoder.tokenizer
    example = tokenizer([CANONICAL_TEXTS[0]] * 2, list(CANONICAL_TEXTS[:2]), padding=True, return_tensors="pt")
    write_graph(_Graph(reference, graph_inputs(tokenizer)), example, tokenizer, folder)
    check(OpenVinoReranker(folder, model), reference, model.name)
    manifest = {"fingerprint": fingerprint(model), "model": model.model_dump(), "versions": library_versions()}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def check(converted: Reranker, reference: Reranker, name: str) -> None:
    """Compares two rerankers' scores of canonical texts.

    Raises:
        UserError: a score differs by more than 0.001.
    """
    question = CANONICAL_TEXTS[1]
    found, wanted = converted.score(question, CANONICAL_TEXTS), reference.score(question, CANONICAL_TEXTS)
    difference = float(np.abs(found - wanted).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise UserError(
            f"Reranker {name}: its OpenVINO conversion differs from PyTorch (by {difference:.5f}); "
            "use the torch backend for it"
        )


if __name__ == "__main__":
    try:
        export(RerankModel.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)
