import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from localbundle.workspace.server import Server
from ragops.errors import UserError
from ragops.workspace import (
    Workspace,
    bundle_root,
    deployed,
    mlflow_artifacts,
    models_folder,
    serving_access,
    use_mlflow,
)

PLACE = Workspace("main", "rag")


def test_names_have_three_levels_and_quotes() -> None:
    assert PLACE.table("chunks") == "`main`.`rag`.`chunks`"


def test_volumes_lie_in_the_local_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    assert PLACE.volume("landing") == tmp_path / "Volumes/main/rag/landing"
    assert PLACE.path("/Volumes/main/rag/landing/a") == tmp_path / "Volumes/main/rag/landing/a"
    assert PLACE.path("/data/a") == Path("/data/a")


def test_volumes_are_the_platforms_own_on_databricks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert PLACE.volume("landing") == Path("/Volumes/main/rag/landing")
    assert models_folder(PLACE) == Path("/Volumes/main/rag/indexes/models")


def test_endpoints_of_the_workspace_on_databricks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client asks its host what it is; a host that does not say is a workspace with a token."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
        monkeypatch.setenv("DATABRICKS_HOST", host)
        monkeypatch.setenv("DATABRICKS_TOKEN", "secret")
        assert serving_access() == (f"{host}/serving-endpoints", "secret")
        server.shutdown()


def test_the_deployed_schema_is_the_one_the_run_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    home = tmp_path / ".localbundle" / "dev"
    inside = tmp_path / "notebooks"
    inside.mkdir()
    monkeypatch.chdir(inside)
    with pytest.raises(UserError, match="make demo"):
        deployed("dev")
    home.mkdir(parents=True)
    with pytest.raises(UserError, match="never run here"):
        deployed("dev")
    record = {"resources": {"schemas": {"rag": {"catalog_name": "spark_catalog", "name": "dev_me_rag"}}}}
    (home / "bundle.json").write_text(json.dumps(record))
    assert deployed("dev") == Workspace("spark_catalog", "dev_me_rag")


def test_the_bundle_is_looked_for_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="databricks.yml"):
        bundle_root()
    (tmp_path / "databricks.yml").touch()
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert bundle_root() == tmp_path


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What MLflow is told. Nothing of it stays."""
    import mlflow

    uris: dict[str, str] = {}
    for name in ("TRACKING_URI", "REGISTRY_URI", "DISABLE_TELEMETRY", "SQLALCHEMYSTORE_POOLCLASS"):
        monkeypatch.setenv(f"MLFLOW_{name}", "")
    monkeypatch.setattr(mlflow, "set_tracking_uri", lambda uri: uris.update(tracking=uri))
    monkeypatch.setattr(mlflow, "set_registry_uri", lambda uri: uris.update(registry=uri))
    return uris


def test_mlflow_lies_in_the_local_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    use_mlflow()
    file = f"sqlite:///{tmp_path}/mlflow/mlflow.db"
    assert told == {"tracking": file, "registry": file}
    assert (os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_REGISTRY_URI"]) == (file, file)
    assert os.environ["MLFLOW_SQLALCHEMYSTORE_POOLCLASS"] == "NullPool"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert mlflow_artifacts() == f"file://{tmp_path}/mlflow/artifacts"


def test_a_job_on_the_laptop_finds_the_same_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    environment = Server(tmp_path).environment()
    monkeypatch.setenv("LOCALBUNDLE_HOME", environment["LOCALBUNDLE_HOME"])
    use_mlflow()
    own = {name: value for name, value in environment.items() if name.startswith("MLFLOW_")}
    assert own == {name: os.environ[name] for name in own} and len(own) == 4


def test_mlflow_is_the_platforms_own_on_databricks(monkeypatch: pytest.MonkeyPatch, told: dict[str, str]) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    use_mlflow()
    assert told == {"tracking": "databricks", "registry": "databricks-uc"}
    assert mlflow_artifacts() is None


def test_registered_names_have_three_levels_and_no_quotes() -> None:
    assert PLACE.registered("cite") == "main.rag.cite"
