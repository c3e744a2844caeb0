"""As whom an endpoint reaches volumes: by references, never by the secrets themselves."""

from pathlib import Path

import pytest

from ragops.releases.identity import find_identity
from ragops.releases.settings import EndpointSettings
from ragops.workspace import Workspace

PLACE = Workspace("main", "rag")
HOST = "https://workspace.example"


@pytest.fixture(autouse=True)
def _laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))


def test_the_secrets_are_named_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
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
