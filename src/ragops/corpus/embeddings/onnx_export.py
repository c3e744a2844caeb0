"""Conversion of an ONNX file for the CPU, which needs no PyTorch: OpenVINO reads it directly, and pooling is added.

Quantized models stay as they are, for ONNX Runtime: see `onnx_encoder`.
"""

import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as ops
from tokenizers import Tokenizer

from ragops.corpus.embeddings.conversion import CANONICAL_TEXTS, GRAPH, MANIFEST, TOKENIZER, Manifest
from ragops.corpus.embeddings.cpu_encoder import load_cpu_encoder
from ragops.corpus.embeddings.maven import ONNX
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, locate
from ragops.corpus.embeddings.onnx_graph import is_quantized, read_graph
from ragops.errors import UserError
from ragops.text import reason

_PAD_TOKENS = ("[PAD]", "<pad>")
# Of sentence-transformers: a text without tokens has no mean, and a zero vector no direction.
_LEAST_TOKENS, _LEAST_LENGTH = 1e-9, 1e-12


def export_onnx(model: EmbeddingModel, folder: Path) -> None:
    """Writes graph, tokenizer and manifest of `model`, whose files are ONNX, into the empty `folder`.

    Raises:
        UserError: the file is not an encoder of texts, or its vectors are not those that the settings describe.
    """
    files = locate(model)
    graph = read_graph(model, files / ONNX)
    tokens = _token_vectors(model, graph)
    if is_quantized(graph):
        shutil.copyfile(files / ONNX, folder / ONNX)
        runtime = "onnxruntime"
    else:
        openvino.save_model(_pooled(model, graph, tokens), folder / GRAPH, compress_to_fp16=False)
        runtime = "openvino"
    _save_tokenizer(files / TOKENIZER, folder / TOKENIZER)
    manifest = Manifest(fingerprint=fingerprint(model), model=model, versions={runtime: version(runtime)})
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
    _check(model, folder)


def _token_vectors(model: EmbeddingModel, graph: openvino.Model) -> openvino.Output:
    """The graph's output with a vector for each token. Raises UserError if it has none of the model's dimension."""
    found = next((port for port in graph.outputs if len(port.get_partial_shape()) == 3), None)
    if found is None or found.get_partial_shape()[2].get_max_length() != model.dimension:
        shapes = ", ".join(str(port.get_partial_shape()) for port in graph.outputs)
        raise UserError(
            f"Embedding model {model.name}: the use case says dimension={model.dimension}, but its ONNX file gives "
            f"{shapes} instead of a vector of that length for each token; correct `dimension`, or choose another file"
        )
    return found.get_node().input_value(0)


def _pooled(model: EmbeddingModel, graph: openvino.Model, tokens: openvino.Output) -> openvino.Model:
    """The graph from tokens to one vector for each text, pooled and normalized by the model's settings."""
    mask = next(port for port in graph.inputs if "attention_mask" in port.get_names())
    vectors = _mean(tokens, mask) if model.pooling == "mean" else ops.gather(tokens, ops.constant(0), ops.constant(1))
    if model.normalise:
        vectors = ops.normalize_l2(vectors, ops.constant([1]), _LEAST_LENGTH, "max")
    return openvino.Model([vectors], [port.get_node() for port in graph.inputs], model.name)


def _mean(tokens: openvino.Output, mask: openvino.Output) -> openvino.Node:
    """The mean of the vectors of tokens that are not padding."""
    weights, over = ops.unsqueeze(ops.convert(mask, "f32"), ops.constant([2])), ops.constant([1])
    total = ops.reduce_sum(ops.multiply(tokens, weights), over, keep_dims=False)
    count = ops.reduce_sum(weights, over, keep_dims=False)
    return ops.divide(total, ops.maximum(count, ops.constant(np.float32(_LEAST_TOKENS))))


def _save_tokenizer(file: Path, into: Path) -> None:
    """Saves a tokenizer with the token that pads."""
    tokenizer = Tokenizer.from_file(str(file))
    known = (tokenizer.padding or {}).get("pad_token")
    pad = next((one for one in (known, *_PAD_TOKENS) if one and tokenizer.token_to_id(one) is not None), None)
    if pad is not None:
        tokenizer.enable_padding(pad_id=tokenizer.token_to_id(pad), pad_token=pad)
    tokenizer.save(str(into))


def _check(model: EmbeddingModel, folder: Path) -> None:
    """Encodes the canonical texts; the longest fills the model's window."""
    try:
        vectors = load_cpu_encoder(folder).encode_documents(CANONICAL_TEXTS)
    except RuntimeError as error:
        raise UserError(
            f"Embedding model {model.name}: its ONNX file cannot encode {model.max_tokens} tokens ({reason(error)}); "
            "correct `max_tokens`"
        ) from error
    if not np.isfinite(vectors).all():
        raise UserError(f"Embedding model {model.name}: its ONNX file gives vectors with NaN; choose another file")
