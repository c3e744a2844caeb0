import base64
import json
import os
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from localbundle.workspace.server import Server

from ragops.errors import UserError
from ragops.platform.compute import has_spark, on_databricks
from ragops.platform.credentials import secret
from ragops.platform.deployment import deployed_experiment, deployed_model, deployed_workspace
from ragops.platform.mlflow_store import mlflow_artifacts, use_mlflow
from ragops.platform.workspace import Workspace, bundle_root, cache_folder, is_mounted, models_folder

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


@pytest.mark.parametrize("name", ["IS_IN_DB_MODEL_SERVING_ENV", "IS_IN_DATABRICKS_MODEL_SERVING_ENV"])
@pytest.mark.parametrize("value", ["true", "True", "1"])
def test_a_serving_endpoint_s_container_is_databricks_without_mounts(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(name, value)
    assert PLACE.volume("landing") == Path("/Volumes/main/rag/landing")
    assert on_databricks() and not has_spark() and not is_mounted(PLACE.volume("landing"))
    assert is_mounted(Path("/tmp/index"))
    assert cache_folder() == Path(tempfile.gettempdir()) / "ragops"  # nobody promises it a home
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert not has_spark() and not is_mounted(PLACE.volume("landing"))
    monkeypatch.setenv(name, "false")
    assert has_spark() and is_mounted(PLACE.volume("landing"))


def test_the_deployed_schema_is_the_one_the_run_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    home = tmp_path / ".localbundle" / "dev"
    inside = tmp_path / "notebooks"
    inside.mkdir()
    monkeypatch.chdir(inside)
    with pytest.raises(UserError, match="make demo"):
        deployed_workspace("dev")
    home.mkdir(parents=True)
    with pytest.raises(UserError, match="never run here"):
        deployed_workspace("dev")
    record = {"resources": {"schemas": {"rag": {"catalog_name": "spark_catalog", "name": "dev_me_rag"}}}}
    (home / "bundle.json").write_text(json.dumps(record))
    assert deployed_workspace("dev") == Workspace("spark_catalog", "dev_me_rag")


def test_a_target_s_volumes_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    record = {"resources": {"schemas": {"rag": {"catalog_name": "spark_catalog", "name": "rag"}}}}
    for target in ("dev", "staging"):
        (tmp_path / ".localbundle" / target).mkdir(parents=True)
        (tmp_path / ".localbundle" / target / "bundle.json").write_text(json.dumps(record))
    landing = deployed_workspace("staging").volume("landing")
    assert landing == tmp_path / ".localbundle/staging/Volumes/spark_catalog/rag/landing"


def test_the_bundle_is_looked_for_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="databricks.yml"):
        bundle_root()
    (tmp_path / "databricks.yml").touch()
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert bundle_root() == tmp_path


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What MLflow is told. Nothing of it stays."""
    import mlflow

    uris: dict[str, str] = {}
    for name in (
        "TRACKING_URI",
        "REGISTRY_URI",
        "DISABLE_TELEMETRY",
        "SQLALCHEMYSTORE_POOLCLASS",
        "ENABLE_ARTIFACTS_PROGRESS_BAR",
    ):
        monkeypatch.setenv(f"MLFLOW_{name}", "")
    monkeypatch.setattr(mlflow, "set_tracking_uri", lambda uri: uris.update(tracking=uri))
    monkeypatch.setattr(mlflow, "set_registry_uri", lambda uri: uris.update(registry=uri))
    return uris


def test_mlflow_lies_in_the_local_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: dict[str, str]
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    use_mlflow()
    file = f"sqlite:///{tmp_path}/mlflow/mlflow.db"
    assert result == {"tracking": file, "registry": file}
    assert (os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_REGISTRY_URI"]) == (file, file)
    assert os.environ["MLFLOW_SQLALCHEMYSTORE_POOLCLASS"] == "NullPool"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert mlflow_artifacts() == f"file://{tmp_path}/mlflow/artifacts"


def test_a_job_on_the_laptop_finds_the_same_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: dict[str, str]
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    environment = Server(tmp_path).environment()
    monkeypatch.setenv("LOCALBUNDLE_HOME", environment["LOCALBUNDLE_HOME"])
    use_mlflow()
    own = {name: value for name, value in environment.items() if name.startswith("MLFLOW_")}
    assert own == {name: os.environ[name] for name in own} and len(own) == 5


def test_mlflow_is_the_platforms_own_on_databricks(monkeypatch: pytest.MonkeyPatch, result: dict[str, str]) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    use_mlflow()
    assert result == {"tracking": "databricks", "registry": "databricks-uc"}
    assert mlflow_artifacts() is None


def test_a_record_says_what_a_bundle_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    resources = {"experiments": {"quality": {"name": "[dev me] quality"}}}
    record = tmp_path / "bundle.json"
    record.write_text(json.dumps({"resources": resources, "variables": {}}))
    assert (deployed_experiment("dev"), deployed_model("dev")) == ("[dev me] quality", "")
    record.write_text(json.dumps({"resources": resources, "variables": {"llm": {"value": "quotes"}}}))
    assert deployed_model("dev") == "quotes"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", r"bundle.json: cannot be read as JSON \(.*\); correct it, or remove it"),
        ("[]", r"bundle.json: is no JSON object"),
        ("{}", r"bundle.json: holds no resources.experiments.quality; run: localbundle run refresh -t dev"),
        ('{"resources": 5}', r"bundle.json: holds no resources.experiments.quality"),
    ],
)
def test_a_broken_record_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, said: str) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    (tmp_path / "bundle.json").write_text(content)
    with pytest.raises(UserError, match=said):
        deployed_experiment("dev")


@pytest.mark.parametrize("content", ["{broken", "[]", '{"ragops-main": 5}'])
def test_broken_secrets_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(UserError, match=r"secrets\.json"):
        secret("ragops-main", "the-key")


def test_registered_names_have_three_levels_and_no_quotes() -> None:
    assert PLACE.registered("cite") == "main.rag.cite"


def test_secrets_of_a_laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same places as dbutils.secrets looks at."""
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"secret ragops-main/the-key is not set; put it into .*secrets\.json or into"):
        secret("ragops-main", "the-key")
    (tmp_path / "secrets.json").write_text(json.dumps({"ragops-main": {"the-key": "from the file"}}))
    assert secret("ragops-main", "the-key") == "from the file"
    monkeypatch.setenv("LOCALBUNDLE_SECRET_RAGOPS_MAIN_THE_KEY", "from the environment")
    assert secret(PLACE.secret_scope, "the-key") == "from the environment"


def test_a_secret_where_there_is_no_workspace_can_be_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="the-key is not set; put it into LOCALBUNDLE_SECRET_RAGOPS_MAIN_THE_KEY$"):
        secret("ragops-main", "the-key")


class _Secrets(BaseHTTPRequestHandler):
    """The workspace's API for secrets: one is there."""

    def do_GET(self) -> None:  # noqa: N802 (the library's name)
        address = urlsplit(self.path)
        if address.path != "/api/2.0/secrets/get":
            self.send_error(404)
            return
        found = parse_qs(address.query) == {"scope": ["ragops-main"], "key": ["the-key"]}
        missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such secret"}
        body = {"key": "the-key", "value": base64.b64encode(b"from the scope").decode()} if found else missing
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Keeps the tests' output clean."""


def test_secrets_of_a_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), _Secrets) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
        monkeypatch.setenv("DATABRICKS_HOST", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("DATABRICKS_TOKEN", "token")
        assert secret("ragops-main", "the-key") == "from the scope"
        with pytest.raises(UserError, match="secret ragops-main/other: No such secret.*put-secret ragops-main other"):
            secret("ragops-main", "other")
        server.shutdown()
