from pathlib import Path

import numpy as np
import pytest

from ragops.corpus.embeddings.interface import CPU
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint
from ragops.corpus.embeddings.openvino_encoder import OpenVinoEncoder
from ragops.corpus.embeddings.recipes import OpenVinoSource, TorchSource, encoder_source
from ragops.corpus.embeddings.torch_encoder import TorchEncoder
from ragops.errors import UserError


def test_openvinos_recipe_names_the_conversion(minilm: EmbeddingModel, converted: Path) -> None:
    source = encoder_source(minilm, "openvino", converted=converted.parent, threads=1)
    assert source == OpenVinoSource(converted, fingerprint(minilm), 1)
    assert isinstance(source.load(CPU), OpenVinoEncoder)


def test_torchs_recipe_loads_on_the_tasks_device(minilm: EmbeddingModel, tmp_path: Path) -> None:
    source = encoder_source(minilm, "torch", converted=tmp_path)
    encoder = source.load(CPU)
    assert isinstance(encoder, TorchEncoder)
    assert encoder.transformer.device.type == "cpu"
    assert list(tmp_path.iterdir()) == []


def test_a_worker_with_another_model_refuses(minilm: EmbeddingModel, converted: Path) -> None:
    for source in (OpenVinoSource(converted, "0" * 64), TorchSource(minilm, "0" * 64)):
        with pytest.raises(UserError, match="fingerprint .*, not 00000000"):
            source.load(CPU)


def test_the_same_recipe_gives_the_same_vectors(minilm: EmbeddingModel, converted: Path) -> None:
    one, two = (OpenVinoSource(converted, fingerprint(minilm), threads).load(CPU) for threads in (1, 0))
    assert np.allclose(one.encode_queries(["tea"]), two.encode_queries(["tea"]), atol=1e-5)
