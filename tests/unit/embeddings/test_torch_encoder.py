import numpy as np
import pytest
import torch

from ragops.embeddings.export import CANONICAL_TEXTS
from ragops.embeddings.model import EmbeddingModel, locate
from ragops.embeddings.openvino_encoder import OpenVinoEncoder
from ragops.embeddings.torch_encoder import TorchEncoder


@pytest.fixture(scope="module")
def on_torch(minilm: EmbeddingModel) -> TorchEncoder:
    return TorchEncoder(minilm, locate(minilm))


def test_openvino_gives_the_same_vectors(on_torch: TorchEncoder, encoder: OpenVinoEncoder) -> None:
    cosines = (on_torch.encode_documents(CANONICAL_TEXTS) * encoder.encode_documents(CANONICAL_TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.9999


def test_a_cpu_computes_in_single_precision(on_torch: TorchEncoder) -> None:
    assert {weight.dtype for weight in on_torch.transformer.parameters()} == {torch.float32}


def test_no_texts_give_no_rows(on_torch: TorchEncoder) -> None:
    vectors = on_torch.encode_queries([])
    assert (vectors.shape, vectors.dtype) == ((0, on_torch.dimension), np.float32)


def test_prompts_go_before_the_texts(on_torch: TorchEncoder, minilm: EmbeddingModel) -> None:
    prompted = minilm.model_copy(update={"query_prompt": "query: ", "document_prompt": "passage: "})
    other = TorchEncoder(prompted, locate(prompted))
    found = np.vstack([other.encode_queries(["tea"]), other.encode_documents(["tea"])])
    assert np.allclose(found, on_torch.encode_documents(["query: tea", "passage: tea"]), atol=1e-5)
