"""As whom an endpoint reaches volumes: by references, never by the secrets themselves."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from databricks.sdk.errors import InternalError, ResourceDoesNotExist

from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.serving.endpoint.identity import find_identity
from ragops.serving.endpoint.settings import EndpointSettings

PLACE = Workspace("main", "rag")
HOST = "https://workspace.example"


@pytest.fixture(autouse=True)
def _laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))


def test_the_secrets_are_named_and_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_SECRET_RAGOPS_MAIN_ENDPOINT_CLIENT_ID", "hunter1")
    monkeypatch.setenv("LOCALBUNDLE_SECRET_RAGOPS_MAIN_ENDPOINT_CLIENT_SECRET", "hunter2")
    found = find_identity(PLACE, HOST)
    assert found is not None and "hunter2" not in repr(found)
    assert found.variables == {
        "DATABRICKS_HOST": HOST,
        "DATABRICKS_CLIENT_ID": "{{secrets/ragops-main/endpoint-client-id}}",
        "DATABRICKS_CLIENT_SECRET": "{{secrets/ragops-main/endpoint-client-secret}}",
    }
    assert EndpointSettings(name="rag", environment_vars=found.variables).environment_vars == found.variables


def test_without_both_secrets_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_identity(PLACE, HOST) is None
    monkeypatch.setenv("LOCALBUNDLE_SECRET_RAGOPS_MAIN_ENDPOINT_CLIENT_ID", "hunter1")
    assert find_identity(PLACE, HOST) is None


@pytest.mark.parametrize("refusal", [InternalError("oops"), TimeoutError("Timed out after 0:05:00")])
def test_secrets_that_cannot_be_read_now_are_not_taken_for_none(
    refusal: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chain with its index inside would be served without its principal, and its calls be recorded nowhere."""

    def get_secret(scope: str, key: str) -> None:
        raise refusal

    client = SimpleNamespace(secrets=SimpleNamespace(get_secret=get_secret))
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5")
    monkeypatch.setattr("ragops.platform.credentials.workspace_client", lambda: client)
    with pytest.raises(UserError, match="secret ragops-main/endpoint-client-id: it cannot be read now"):
        find_identity(PLACE, HOST)
    refusal = ResourceDoesNotExist("no such secret")
    assert find_identity(PLACE, HOST) is None
