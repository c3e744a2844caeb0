"""Conversion of an ONNX file for the CPU: OpenVINO reads it directly, and pooling is added. Needs no PyTorch."""

import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as ops
from tokenizers import Tokenizer

from ragops.corpus.embeddings.conversion import CANONICAL_TEXTS, GRAPH, MANIFEST, TOKENIZER, Manifest
from ragops.corpus.embeddings.maven import ONNX
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, locate
from ragops.corpus.embeddings.openvino_encoder import OpenVinoEncoder
from ragops.errors import UserError
from ragops.text import reason

_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
_PAD_TOKENS = ("[PAD]", "<pad>")
# Of sentence-transformers: a text without tokens has no mean, and a zero vector no direction.
_LEAST_TOKENS, _LEAST_LENGTH = 1e-9, 1e-12


def export_onnx(model: EmbeddingModel, folder: Path) -> None:
    """Writes graph, tokenizer and manifest of `model`, whose files are ONNX, into the empty `folder`.

    Raises:
        UserError: the file is not an encoder of texts, or its vectors are not those that the settings describe.
    """
    files = locate(model)
    graph = pooled(model, read_graph(model, files / ONNX))
    openvino.save_model(graph, folder / GRAPH, compress_to_fp16=False)
    _save_tokenizer(files / TOKENIZER, folder / TOKENIZER)
    _check(model, folder)
    manifest = Manifest(fingerprint=fingerprint(model), model=model, versions={"openvino": version("openvino")})
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")


def read_graph(model: EmbeddingModel, file: Path) -> openvino.Model:
    """Reads an ONNX file. Raises UserError if OpenVINO cannot, or if it does not take texts' tokens."""
    try:
        graph = openvino.Core().read_model(file)
    except RuntimeError as error:
        raise UserError(
            f"Embedding model {model.name}: OpenVINO cannot read {file} ({reason(error)}); choose another file"
        ) from error
    inputs = {port.get_any_name() for port in graph.inputs}
    if not {"input_ids", "attention_mask"} <= inputs <= _INPUTS:
        raise UserError(
            f"Embedding model {model.name}: {file} takes {', '.join(sorted(inputs))}, not the tokens of a text; "
            "choose another file"
        )
    return graph


def pooled(model: EmbeddingModel, graph: openvino.Model) -> openvino.Model:
    """The graph from tokens to one vector for each text, pooled and normalized by the model's settings.

    Raises:
        UserError: the graph has no output of shape (texts, tokens, dimension).
    """
    tokens = next((port for port in graph.outputs if len(port.get_partial_shape()) == 3), None)
    if tokens is None or tokens.get_partial_shape()[2].get_length() != model.dimension:
        shapes = ", ".join(str(port.get_partial_shape()) for port in graph.outputs)
        raise UserError(
            f"Embedding model {model.name}: the use case says dimension={model.dimension}, but its ONNX file gives "
            f"{shapes} instead of a vector of that length for each token; correct `dimension`, or choose another file"
        )
    mask = next(port for port in graph.inputs if "attention_mask" in port.get_names())
    vectors = _mean(tokens, mask) if model.pooling == "mean" else _first(tokens)
    if model.normalise:
        vectors = ops.normalize_l2(vectors, ops.constant([1]), _LEAST_LENGTH, "max")
    parameters = [port.get_node() for port in graph.inputs]
    return openvino.Model([vectors], parameters, model.name)


def _mean(tokens: openvino.Output, mask: openvino.Output) -> openvino.Node:
    """The mean of the vectors of tokens that are not padding."""
    weights, over = ops.unsqueeze(ops.convert(mask, "f32"), ops.constant([2])), ops.constant([1])
    total = ops.reduce_sum(ops.multiply(tokens.get_node().input_value(0), weights), over, keep_dims=False)
    count = ops.reduce_sum(weights, over, keep_dims=False)
    return ops.divide(total, ops.maximum(count, ops.constant(np.float32(_LEAST_TOKENS))))


def _first(tokens: openvino.Output) -> openvino.Node:
    """The vector of the first token."""
    return ops.gather(tokens.get_node().input_value(0), ops.constant(0), ops.constant(1))


def _save_tokenizer(file: Path, into: Path) -> None:
    """Copies a tokenizer; its padding says which token pads."""
    shutil.copyfile(file, into)
    tokenizer = Tokenizer.from_file(str(into))
    known = tokenizer.padding or {}
    pad = known.get("pad_token") or next((one for one in _PAD_TOKENS if tokenizer.token_to_id(one) is not None), None)
    if pad is not None:
        tokenizer.enable_padding(pad_id=tokenizer.token_to_id(pad), pad_token=pad)
        tokenizer.save(str(into))


def _check(model: EmbeddingModel, folder: Path) -> None:
    """Encodes the canonical texts; the longest fills the model's window."""
    try:
        vectors = OpenVinoEncoder(folder, model).encode_documents(CANONICAL_TEXTS)
    except RuntimeError as error:
        raise UserError(
            f"Embedding model {model.name}: its ONNX file cannot encode {model.max_tokens} tokens ({reason(error)}); "
            "correct `max_tokens`"
        ) from error
    if not np.isfinite(vectors).all():
        raise UserError(
            f"Embedding model {model.name}: its ONNX file gives vectors that are not numbers; choose another"
        )
