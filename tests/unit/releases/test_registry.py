"""Registering looks a model up before it creates it, and names missing rights."""

from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    NOT_FOUND,
    PERMISSION_DENIED,
    RESOURCE_DOES_NOT_EXIST,
)

from ragops.errors import NotPermitted
from ragops.releases.registry import CHAMPION, ChainRegistry, Version
from ragops.serving.model.log_model import Logged
from tests.support.catalog_rules import refusal

LOGGED = Logged("models:/m-1", "run", "digest")


class Client:
    """MLflow's client with or without the registered model; refuses some calls, and tags that Unity Catalog refuses."""

    def __init__(self, *, exists: bool = True, refused: str = "", missing: int = NOT_FOUND) -> None:
        self._exists, self._refused, self._missing = exists, refused, missing
        self.called: list[str] = []
        self.tags: dict[str, str] = {}

    def get_registered_model(self, name: str) -> None:
        self._call("get_registered_model")
        if not self._exists:
            raise MlflowException("there is none", self._missing)

    def create_registered_model(self, name: str) -> None:
        self._call("create_registered_model")

    def create_model_version(self, name: str, source: str, **given: object) -> SimpleNamespace:
        self._call("create_model_version")
        assert (source, given["model_id"]) == ("models:/m-1", "m-1")
        self._tag(given["tags"])
        return SimpleNamespace(version=7)

    def get_model_version_by_alias(self, name: str, alias: str) -> None:
        self._call("get_model_version_by_alias")
        raise MlflowException("there is none", self._missing)

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        self._tag(self.tags | {key: value})

    def _tag(self, tags: Any) -> None:
        if reason := refusal(tags):
            raise MlflowException(reason, INVALID_PARAMETER_VALUE)
        self.tags = tags

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self._call("set_registered_model_alias")

    def _call(self, name: str) -> None:
        self.called.append(name)
        if name == self._refused:
            raise MlflowException("User lacks it", PERMISSION_DENIED)


def registry(client: Client) -> ChainRegistry:
    return ChainRegistry(client, "main.rag.chain")  # type: ignore[arg-type]


def test_an_existing_model_is_not_created_again() -> None:
    client = Client(refused="create_registered_model")
    assert registry(client).register(LOGGED).uri == "models:/main.rag.chain/7"
    assert client.called == ["get_registered_model", "create_model_version"]


MISSING = pytest.mark.parametrize("missing", [NOT_FOUND, RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE])


@MISSING
def test_a_missing_model_is_created(missing: int) -> None:
    client = Client(exists=False, missing=missing)
    registry(client).register(LOGGED)
    assert client.called == ["get_registered_model", "create_registered_model", "create_model_version"]


@pytest.mark.parametrize(
    ("refused", "needed"),
    [
        ("get_registered_model", "EXECUTE on model main.rag.chain, with"),
        ("create_registered_model", "CREATE MODEL on schema main.rag, with"),
        ("create_model_version", "ownership or MANAGE on model main.rag.chain, with"),
    ],
)
def test_a_missing_right_is_named(refused: str, needed: str) -> None:
    with pytest.raises(NotPermitted, match=f"needs {needed} .*User lacks it"):
        registry(Client(exists=False, refused=refused)).register(LOGGED)


def test_a_missing_right_is_named_for_aliases() -> None:
    version = registry(Client()).register(LOGGED)
    with pytest.raises(NotPermitted, match="needs ownership or MANAGE on model"):
        registry(Client(refused="set_registered_model_alias")).point(CHAMPION, version)
    with pytest.raises(NotPermitted, match="needs EXECUTE on model"):
        registry(Client(refused="get_model_version_by_alias")).by_alias(CHAMPION)


@MISSING
def test_a_missing_alias_has_no_version(missing: int) -> None:
    assert registry(Client(missing=missing)).by_alias(CHAMPION) is None


def test_a_long_reason_is_cut_to_the_catalogs_limit() -> None:
    client = Client()
    registry(client).note(
        Version("main.rag.chain", "7", "run", "digest"), gate="not promoted", reason="so it is " * 900
    )
    assert client.tags["gate"] == "not promoted" and client.tags["reason"].startswith("so it is so it is")
