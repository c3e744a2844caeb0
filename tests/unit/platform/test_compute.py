import pytest

from ragops.platform.compute import on_serverless


@pytest.mark.parametrize(
    ("version", "serverless"),
    [("client.5.2", True), ("18.1", False), ("18.x-gpu-ml", False), ("new", True), (None, False)],
)
def test_a_cluster_is_known_by_its_version_and_all_else_is_serverless(
    version: str | None, serverless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    if version:
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", version)
    assert on_serverless() is serverless
