"""The endpoint gets its principal's credentials as references, never as secrets."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from databricks.sdk.errors import InternalError, ResourceDoesNotExist

from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.serving.endpoint.principal import find_identity
from ragops.serving.endpoint.settings import EndpointSettings

WORKSPACE = Workspace("main", "rag")
HOST = "https://workspace.example"


@pytest.fixture(autouse=True)
def _laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))


def test_variables_refer_to_the_secrets_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_SECRET_RAGOPS_MAIN_ENDPOINT_CLIENT_ID", "hunter1")
    monkeypatch.setenv("LOCALBUNDLE_SECRET_RAGOPS_MAIN_ENDPOINT_CLIENT_SECRET", "hunter2")
    found = find_identity(WORKSPACE, HOST)
    assert found is not None and "hunter2" not in repr(found)
    assert found.variables == {
        "DATABRICKS_HOST": HOST,
        "DATABRICKS_CLIENT_ID": "{{secrets/ragops-main/endpoint-client-id}}",
        "DATABRICKS_CLIENT_SECRET": "{{secrets/ragops-main/endpoint-client-secret}}",
    }
    assert EndpointSettings(name="rag", environment_vars=found.variables).environment_vars == found.variables


def test_there_is_no_identity_without_both_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_identity(WORKSPACE, HOST) is None
    monkeypatch.setenv("LOCALBUNDLE_SECRET_RAGOPS_MAIN_ENDPOINT_CLIENT_ID", "hunter1")
    assert find_identity(WORKSPACE, HOST) is None


@pytest.mark.parametrize("refusal", [InternalError("oops"), TimeoutError("Timed out after 0:05:00")])
def test_unreadable_secrets_are_an_error_instead_of_no_identity(
    refusal: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a chain that contains its index would be served without its principal, and its calls unrecorded."""

    def get_secret(scope: str, key: str) -> None:
        raise refusal

    client = SimpleNamespace(secrets=SimpleNamespace(get_secret=get_secret))
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.5")
    monkeypatch.setattr("ragops.platform.credentials.workspace_client", lambda: client)
    with pytest.raises(UserError, match="secret ragops-main/endpoint-client-id"):
        find_identity(WORKSPACE, HOST)
    refusal = ResourceDoesNotExist("no such secret")
    assert find_identity(WORKSPACE, HOST) is None
