import pickle
from pathlib import Path

import numpy as np
import pytest

from ragops.corpus.embeddings import recipes
from ragops.corpus.embeddings.endpoint_encoder import EndpointEncoder
from ragops.corpus.embeddings.interface import CPU, EncoderSource
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint
from ragops.corpus.embeddings.openvino_encoder import OpenVinoEncoder
from ragops.corpus.embeddings.recipes import EndpointSource, OpenVinoSource, TorchSource, encoder_source
from ragops.corpus.embeddings.torch_encoder import TorchEncoder
from ragops.errors import UserError

SERVED = EmbeddingModel(name="toy", source="endpoint:toy-embed", dimension=3, max_tokens=16)


def test_openvino_s_recipe_names_the_conversion(minilm: EmbeddingModel, converted: Path) -> None:
    source = encoder_source(minilm, "openvino", converted=converted.parent, threads=1)
    assert source == OpenVinoSource(converted, fingerprint(minilm), 1)
    assert isinstance(source.load(CPU), OpenVinoEncoder)


def test_torch_s_recipe_loads_on_the_task_s_device(minilm: EmbeddingModel, tmp_path: Path) -> None:
    source = encoder_source(minilm, "torch", converted=tmp_path)
    encoder = source.load(CPU)
    assert isinstance(encoder, TorchEncoder)
    assert encoder.transformer.device.type == "cpu"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("runtime", "gpus", "uses_gpu"), [("18.1", 0, True), ("18.1", 4, True), ("", 1, True), ("", 0, False)]
)
def test_torch_takes_the_cpu_only_on_a_laptop_without_gpus(
    minilm: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, gpus: int, uses_gpu: bool
) -> None:
    monkeypatch.setattr(recipes, "cuda_device_count", lambda: gpus)
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    if runtime:
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", runtime)
    assert encoder_source(minilm, "torch", converted=tmp_path).uses_gpu == uses_gpu


@pytest.mark.parametrize(("place", "url"), [("toy-embed", "http://given/v1"), ("http://own/v1", "http://own/v1")])
def test_an_endpoint_s_recipe_knows_its_address(place: str, url: str, tmp_path: Path) -> None:
    model = SERVED.model_copy(update={"source": f"endpoint:{place}"})
    source = encoder_source(model, "torch", converted=tmp_path, base_url="http://given/v1", token="secret")
    assert source == EndpointSource(model, url, "secret")
    assert isinstance(source.load(CPU), EndpointEncoder)


def test_a_token_is_not_printed() -> None:
    assert "secret" not in repr(EndpointSource(SERVED, "http://host/v1", "secret"))


def test_recipes_survive_the_way_to_a_worker(minilm: EmbeddingModel) -> None:
    recipes: list[EncoderSource] = [
        OpenVinoSource(Path("/models/0123abcd"), "f"),
        TorchSource(minilm, "f"),
    ]
    arrived = [pickle.loads(pickle.dumps(recipe)) for recipe in recipes]
    assert arrived == recipes
    assert {*arrived} == {*recipes}


def test_an_endpoint_s_recipe_does_not_travel() -> None:
    with pytest.raises(UserError, match="Embedding endpoint .*: workers cannot ask it; encode on the driver"):
        pickle.dumps(EndpointSource(SERVED, "http://host/v1", "secret"))


def test_a_worker_with_another_model_refuses(minilm: EmbeddingModel, converted: Path) -> None:
    for source in (OpenVinoSource(converted, "0" * 64), TorchSource(minilm, "0" * 64)):
        with pytest.raises(UserError, match="fingerprint .*, not 00000000"):
            source.load(CPU)


def test_the_same_recipe_gives_the_same_vectors(minilm: EmbeddingModel, converted: Path) -> None:
    one, two = (OpenVinoSource(converted, fingerprint(minilm), threads).load(CPU) for threads in (1, 0))
    assert np.allclose(one.encode_queries(["tea"]), two.encode_queries(["tea"]), atol=1e-5)
