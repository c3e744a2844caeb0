import pickle
from pathlib import Path

import pytest

from ragops.corpus.embeddings import recipes
from ragops.corpus.embeddings.endpoint_encoder import EndpointEncoder
from ragops.corpus.embeddings.interface import CPU, EncoderSource
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.recipes import EndpointSource, OpenVinoSource, TorchSource, encoder_source
from ragops.errors import UserError

SERVED = EmbeddingModel(name="toy", source="endpoint:toy-embed", dimension=3, max_tokens=16)


@pytest.mark.parametrize(
    ("runtime", "gpus", "uses_gpu"), [("18.1", 0, True), ("18.1", 4, True), ("", 1, True), ("", 0, False)]
)
def test_torch_uses_the_cpu_only_on_a_laptop_without_gpus(
    minilm: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, gpus: int, uses_gpu: bool
) -> None:
    monkeypatch.setattr(recipes, "cuda_device_count", lambda: gpus)
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    if runtime:
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", runtime)
    assert encoder_source(minilm, "torch", converted=tmp_path).uses_gpu == uses_gpu


@pytest.mark.parametrize(("target", "url"), [("toy-embed", "http://given/v1"), ("http://own/v1", "http://own/v1")])
def test_an_endpoints_recipe_has_its_address(target: str, url: str, tmp_path: Path) -> None:
    model = SERVED.model_copy(update={"source": f"endpoint:{target}"})
    source = encoder_source(model, "torch", converted=tmp_path, base_url="http://given/v1", token="secret")
    assert source == EndpointSource(model, url, "secret")
    assert isinstance(source.load(CPU), EndpointEncoder)


def test_a_token_is_not_printed() -> None:
    assert "secret" not in repr(EndpointSource(SERVED, "http://host/v1", "secret"))


def test_recipes_survive_pickling(minilm: EmbeddingModel) -> None:
    recipes: list[EncoderSource] = [
        OpenVinoSource(Path("/models/0123abcd"), "f"),
        TorchSource(minilm, "f"),
    ]
    arrived = [pickle.loads(pickle.dumps(recipe)) for recipe in recipes]
    assert arrived == recipes
    assert {*arrived} == {*recipes}


def test_an_endpoints_recipe_cannot_be_pickled() -> None:
    with pytest.raises(UserError, match="Embedding endpoint .*: workers cannot call it"):
        pickle.dumps(EndpointSource(SERVED, "http://host/v1", "secret"))
