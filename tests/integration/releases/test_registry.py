"""The chain's versions in Unity Catalog: MLflow's client sends valid requests, and missing objects are recognized."""

from collections.abc import Callable, Iterator

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from ragops.errors import NotPermitted
from ragops.releases.registry import CHALLENGER, CHAMPION, ChainRegistry, Version
from tests.support.models_double import TOKEN, Models, served

NAME = "main.rag.chain"
VERSION = Version(NAME, "1", "a-run", "a-digest")

Registry = Callable[[Models], ChainRegistry]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry with MLflow's real client; the registered model exists."""
    running = []
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)

    def opened(models: Models) -> ChainRegistry:
        running.append(served(models))
        monkeypatch.setenv("DATABRICKS_HOST", running[-1].__enter__())
        client = MlflowClient(tracking_uri="databricks", registry_uri="databricks-uc")
        registry = ChainRegistry(client, NAME)
        registry.ensure_model()
        return registry

    yield opened
    for server in running:
        server.__exit__(None, None, None)


@pytest.mark.parametrize("missing", ["RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE"])
def test_the_alias_of_a_first_champion_is_set_and_deleted(registry: Registry, missing: str) -> None:
    models = Models(missing)
    chain = registry(models)
    chain.ensure_model()
    assert list(models.versions) == [NAME] and chain.by_alias(CHAMPION) is None
    models.versions[NAME]["1"] = {"logged_by": "a-run", "digest": "a-digest"}
    chain.note(VERSION, gate="promoted", reason="every condition is met " * 100)
    chain.point(CHALLENGER, VERSION)
    chain.point(CHAMPION, VERSION)
    assert chain.by_alias(CHAMPION) == VERSION
    assert models.versions[NAME]["1"]["reason"].startswith("every condition is met every")
    chain.drop(CHAMPION)
    assert chain.by_alias(CHAMPION) is None and chain.by_alias(CHALLENGER) == VERSION


def test_the_double_refuses_tags_that_the_catalog_refuses(registry: Registry) -> None:
    models = Models(versions={NAME: {"1": {}}})
    client = registry(models)._client
    for name, value in (("ragops.gate", "met"), ("gate", "met" * 500), ("gate", "met ")):
        with pytest.raises(MlflowException, match="INVALID_PARAMETER_VALUE"):
            client.set_model_version_tag(NAME, "1", name, value)


def test_a_missing_right_is_named(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_TOKEN", "another")
    with pytest.raises(NotPermitted, match="needs EXECUTE on model main.rag.chain"):
        registry(Models())
