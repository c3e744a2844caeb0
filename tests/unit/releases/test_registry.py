"""Registering looks up before it creates, and says which right is missing."""

from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import NOT_FOUND, PERMISSION_DENIED

from ragops.errors import NotPermitted
from ragops.releases.packaging import Logged
from ragops.releases.registry import CHAMPION, ChainRegistry

LOGGED = Logged("models:/m-1", "run", "digest")


class Client:
    """MLflow's client of a registry that may hold the model and may refuse some calls."""

    def __init__(self, *, held: bool = True, refused: str = "") -> None:
        self._held, self._refused = held, refused
        self.called: list[str] = []

    def get_registered_model(self, name: str) -> None:
        self._call("get_registered_model")
        if not self._held:
            raise MlflowException("there is none", NOT_FOUND)

    def create_registered_model(self, name: str) -> None:
        self._call("create_registered_model")

    def create_model_version(self, name: str, source: str, **given: object) -> SimpleNamespace:
        self._call("create_model_version")
        assert (source, given["model_id"]) == ("models:/m-1", "m-1")
        return SimpleNamespace(version=7)

    def get_model_version_by_alias(self, name: str, alias: str) -> None:
        self._call("get_model_version_by_alias")

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self._call("set_registered_model_alias")

    def _call(self, name: str) -> None:
        self.called.append(name)
        if name == self._refused:
            raise MlflowException("User lacks it", PERMISSION_DENIED)


def registry(client: Client) -> ChainRegistry:
    return ChainRegistry(client, "main.rag.chain")  # type: ignore[arg-type]


def test_a_name_that_is_there_is_not_made_again() -> None:
    client = Client(refused="create_registered_model")
    assert registry(client).register(LOGGED).uri == "models:/main.rag.chain/7"
    assert client.called == ["get_registered_model", "create_model_version"]


def test_a_name_that_is_missing_is_made() -> None:
    client = Client(held=False)
    registry(client).register(LOGGED)
    assert client.called == ["get_registered_model", "create_registered_model", "create_model_version"]


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("get_registered_model", "EXECUTE on model main.rag.chain, with"),
        ("create_registered_model", "CREATE MODEL on schema main.rag, with"),
        ("create_model_version", "ownership or MANAGE on model main.rag.chain, with"),
    ],
)
def test_a_missing_right_is_named(refused: str, said: str) -> None:
    with pytest.raises(NotPermitted, match=f"needs {said} .*User lacks it"):
        registry(Client(held=False, refused=refused)).register(LOGGED)


def test_so_it_is_for_aliases() -> None:
    version = registry(Client()).register(LOGGED)
    with pytest.raises(NotPermitted, match="needs ownership or MANAGE on model"):
        registry(Client(refused="set_registered_model_alias")).point(CHAMPION, version)
    with pytest.raises(NotPermitted, match="needs EXECUTE on model"):
        registry(Client(refused="get_model_version_by_alias")).by_alias(CHAMPION)
