"""The child process of a conversion from PyTorch to OpenVINO, with a check that both give the same vectors."""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np
import openvino
import torch
from transformers import PreTrainedTokenizerFast

from ragops.corpus.embeddings.conversion import CANONICAL_TEXTS, GRAPH, MANIFEST, REFUSED, TOKENIZER, Manifest
from ragops.corpus.embeddings.interface import Vectors, normalized
from ragops.corpus.embeddings.loadable import check_loadable
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, locate
from ragops.corpus.embeddings.openvino_encoder import OpenVinoEncoder
from ragops.corpus.embeddings.padding import padded, token_ids
from ragops.corpus.embeddings.torch_encoder import TorchEncoder
from ragops.errors import UserError

MINIMUM_COSINE = 0.9999

_GRAPH_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class _Graph(torch.nn.Module):
    """The whole sentence-transformers pipeline, pooling included, taking tensors so that it can be traced."""

    def __init__(self, encoder: TorchEncoder, inputs: list[str], normalise: bool) -> None:
        super().__init__()
        self._pipeline = encoder.transformer
        self._inputs = inputs
        self._normalise = normalise

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self._pipeline(dict(zip(self._inputs, tensors, strict=True)))["sentence_embedding"]
        return torch.nn.functional.normalize(vectors, dim=1) if self._normalise else vectors


def export(model: EmbeddingModel, folder: Path) -> None:
    """Writes graph, tokenizer and manifest of `model` into the empty `folder`.

    Raises:
        UserError: the converted model's vectors differ from PyTorch's (see `check`).
    """
    check_loadable(model, locate(model))
    reference = TorchEncoder(model, locate(model))
    tokenizer = reference.transformer.tokenizer
    graph = _Graph(reference, graph_inputs(tokenizer), model.normalise)
    write_graph(graph, _example(reference, model.max_tokens), tokenizer, folder)
    check(OpenVinoEncoder(folder, model).encode_documents(CANONICAL_TEXTS), _original(reference, model), model.name)
    manifest = Manifest(fingerprint=fingerprint(model), model=model, versions=library_versions())
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")


def graph_inputs(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """The names of a model's inputs, in the order in which a traced module takes them."""
    return [name for name in _GRAPH_INPUTS if name in tokenizer.model_input_names]


def write_graph(
    module: torch.nn.Module, example: Mapping[str, torch.Tensor], tokenizer: PreTrainedTokenizerFast, folder: Path
) -> None:
    """Writes a model for OpenVINO into `folder`: its graph in fp32, and its tokenizer.

    Args:
        module: takes the tensors that `graph_inputs` names.
        example: these tensors by name, of any two texts.
        tokenizer: the model's tokenizer from transformers.
        folder: where the files are written.
    """
    inputs = graph_inputs(tokenizer)
    graph = openvino.convert_model(module.eval(), example_input=tuple(example[name] for name in inputs))
    for port, name in zip(graph.inputs, inputs, strict=True):
        port.get_tensor().set_names({name})
    openvino.save_model(graph, folder / GRAPH, compress_to_fp16=False)
    fast = tokenizer.backend_tokenizer
    fast.enable_padding(pad_id=tokenizer.pad_token_id, pad_token=tokenizer.pad_token)
    fast.save(str(folder / TOKENIZER))


def library_versions() -> dict[str, str]:
    """The versions of the libraries that a conversion depends on."""
    return {name: version(name) for name in ("openvino", "sentence-transformers", "torch", "transformers")}


def _example(reference: TorchEncoder, longest: int) -> dict[str, torch.Tensor]:
    """Two texts as tensors of shape (2, width), without sentence-transformers' own preparation, which changes."""
    sequences = sorted(token_ids(reference.tokenizer, CANONICAL_TEXTS[:2]), key=len, reverse=True)
    ids, mask = padded(sequences, longest, reference.pad_id)
    arrays = (ids, mask, np.zeros_like(ids))
    return {name: torch.from_numpy(array) for name, array in zip(_GRAPH_INPUTS, arrays, strict=True)}


def _original(reference: TorchEncoder, model: EmbeddingModel) -> Vectors:
    """The canonical texts' vectors from sentence-transformers, which has its own tokenization and batching."""
    vectors = np.asarray(reference.transformer.encode_document(list(CANONICAL_TEXTS)), dtype=np.float32)
    return normalized(vectors) if model.normalise else vectors


def check(found: Vectors, wanted: Vectors, name: str, instead: str = "torch") -> None:
    """Compares a model's vectors on OpenVINO and on PyTorch, one of them converted, in direction and in length.

    Errors suggest the encoder `instead`, for which the model's files are.

    Raises:
        UserError: a cosine is below 0.9999, or a length differs by more than 0.1 %.
    """
    lengths = np.linalg.norm(found, axis=1), np.linalg.norm(wanted, axis=1)
    cosine = float(((found * wanted).sum(axis=1) / (lengths[0] * lengths[1])).min())
    if not (cosine >= MINIMUM_COSINE and np.allclose(*lengths, rtol=1e-3)):
        raise UserError(
            f"Embedding model {name}: its vectors on OpenVINO and PyTorch differ (cosine {cosine:.5f}); "
            f"use encoder={instead} for it"
        )


if __name__ == "__main__":
    try:
        export(EmbeddingModel.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)
