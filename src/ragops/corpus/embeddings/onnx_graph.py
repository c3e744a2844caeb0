"""An ONNX file of an encoder as OpenVINO reads it: its graph, whether it is quantized, and its weights by name.

PyTorch gets the weights from the same file as OpenVINO, so a model has one fingerprint on CPUs and on GPUs. Files name
biases, norms and embeddings as PyTorch does; matrices of linear layers are nameless and transposed, but the operations
that multiply by them have the layer's path.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.errors import UserError
from ragops.text import reason

_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
_PRODUCT = "/MatMul"
# The path inside BertModel; exporters may put other modules around it.
_INSIDE_BERT = re.compile(r"(?:^|\.)((?:embeddings|encoder\.layer)\..+)")
_INT8 = (openvino.Type.i8, openvino.Type.u8)


@dataclass(frozen=True)
class BertWeights:
    """A BERT encoder's weights by PyTorch's names, float32, and the number of its attention heads."""

    arrays: dict[str, NDArray[np.float32]]
    heads: int


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


def is_quantized(graph: openvino.Model) -> bool:
    """Whether matrices of weights are 8-bit integers."""
    return any(node.get_element_type() in _INT8 and len(node.shape) == 2 for node in _constants(graph))


def bert_weights(model: EmbeddingModel, graph: openvino.Model) -> BertWeights:
    """The weights of a BERT encoder, for PyTorch.

    Raises:
        UserError: the model is quantized, or is not a BERT encoder with its usual names.
    """
    if is_quantized(graph):
        raise _unreadable(model, "its weights are 8-bit integers")
    arrays = {}
    for node in _constants(graph):
        if inside := _INSIDE_BERT.search(node.get_friendly_name()):
            arrays[inside[1]] = np.array(node.data, dtype=np.float32)
    shapes = []
    for node in graph.get_ops():
        if node.get_type_name() == "MatMul" and (layer := _layer(node)):
            matrix = np.array(node.input_value(1).get_node().data, dtype=np.float32)
            arrays[f"{layer}.weight"] = matrix if node.get_attributes()["transpose_b"] else matrix.T
        if node.get_type_name() == "Reshape":
            shapes.append(node.get_output_partial_shape(0))
    # The states of attention: (texts, tokens, heads, length).
    heads = next((int(shape[2].get_length()) for shape in shapes if len(shape) == 4 and shape[2].is_static), 0)
    if "encoder.layer.0.attention.self.query.weight" not in arrays or not heads:
        raise _unreadable(model, "its ONNX file has not the names of a BERT encoder")
    return BertWeights(arrays, heads)


def _constants(graph: openvino.Model) -> list[openvino.Node]:
    return [node for node in graph.get_ops() if node.get_type_name() == "Constant"]


def _layer(product: openvino.Node) -> str:
    """The path in BertModel of the linear layer whose product with its weights this is; "" for other products."""
    path = product.get_friendly_name().strip("/")
    inside = _INSIDE_BERT.search(path.removesuffix(_PRODUCT).replace("/", "."))
    has_weights = product.input_value(1).get_node().get_type_name() == "Constant"
    return inside[1] if inside and has_weights and path.endswith(_PRODUCT) else ""


def _unreadable(model: EmbeddingModel, why: str) -> UserError:
    return UserError(f"Embedding model {model.name}: PyTorch cannot read it ({why}); use encoder=openvino")
