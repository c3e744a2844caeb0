import numpy as np
import pytest
import torch

from ragops.corpus.embeddings import torch_encoder
from ragops.corpus.embeddings.conversion import CANONICAL_TEXTS
from ragops.corpus.embeddings.model import EmbeddingModel, locate
from ragops.corpus.embeddings.openvino_encoder import OpenVinoEncoder
from ragops.corpus.embeddings.torch_encoder import TorchEncoder


@pytest.fixture(scope="module")
def on_torch(minilm: EmbeddingModel) -> TorchEncoder:
    return TorchEncoder(minilm, locate(minilm))


def test_openvino_gives_the_same_vectors(on_torch: TorchEncoder, encoder: OpenVinoEncoder) -> None:
    cosines = (on_torch.encode_documents(CANONICAL_TEXTS) * encoder.encode_documents(CANONICAL_TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.9999


def test_sentence_transformers_gives_the_same_vectors(on_torch: TorchEncoder) -> None:
    expected = on_torch.transformer.encode_document(list(CANONICAL_TEXTS))
    assert np.allclose(on_torch.encode_documents(CANONICAL_TEXTS), expected, atol=1e-5)


def test_batches_are_limited_by_tokens(on_torch: TorchEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[tuple[int, int]] = []
    forward = on_torch.transformer.forward

    def seen(features: dict[str, torch.Tensor]) -> object:
        shapes.append(tuple(features["input_ids"].shape))
        return forward(features)

    monkeypatch.setattr(torch_encoder, "_BATCH_TOKENS", 512)
    monkeypatch.setattr(on_torch.transformer, "forward", seen)
    on_torch.encode_documents(["tea"] * 40 + ["word " * 300])
    assert shapes == [(2, 256), (32, 16), (7, 16)]


def test_a_cpu_computes_in_single_precision(on_torch: TorchEncoder) -> None:
    assert {weight.dtype for weight in on_torch.transformer.parameters()} == {torch.float32}


def test_no_texts_give_no_rows(on_torch: TorchEncoder) -> None:
    vectors = on_torch.encode_queries([])
    assert (vectors.shape, vectors.dtype) == ((0, on_torch.dimension), np.float32)


def test_prompts_are_put_before_the_texts(on_torch: TorchEncoder, minilm: EmbeddingModel) -> None:
    prompted = minilm.model_copy(update={"query_prompt": "query: ", "document_prompt": "passage: "})
    other = TorchEncoder(prompted, locate(prompted))
    found = np.vstack([other.encode_queries(["tea"]), other.encode_documents(["tea"])])
    assert np.allclose(found, on_torch.encode_documents(["query: tea", "passage: tea"]), atol=1e-5)
