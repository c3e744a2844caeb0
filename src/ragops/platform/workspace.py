"""Where we are: table names, volume paths, secrets, the Spark session. The only module that may know the place.

On Databricks these are the platform's own; behind a serving endpoint too, but without Spark, and with volumes that are
not mounted. On a laptop a local workspace stands in for them: a folder `.localbundle/TARGET` whose path is in
LOCALBUNDLE_HOME inside a job, and is looked for upwards from the current folder on the command line.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragops.errors import UserError, needing

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from pyspark.sql import DataFrame, SparkSession

VOLUMES = "Volumes"
"""Where volumes are mounted, below the root or below a local workspace's folder."""
LANDING = "landing"
INDEXES = "indexes"
LEDGER = "ledger"
MODELS = "models"
_SERVING_VARIABLES = ("IS_IN_DB_MODEL_SERVING_ENV", "IS_IN_DATABRICKS_MODEL_SERVING_ENV")

# What development mode puts before a schema's name; databricks.yml puts the same behind the scope's.
_DEVELOPMENT_SCHEMA = re.compile(r"dev_(?P<user>\w+?)_rag(_|$)")
_LOG_IN = "log in with: databricks auth login --host URL"
_LOG_IN_SERVING = (
    "set the secrets endpoint-client-id and endpoint-client-secret of a service principal, and release again; or give "
    "the endpoint DATABRICKS_HOST, DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET"
)


class NotSet(UserError):
    """There is no such secret."""


@dataclass(frozen=True)
class Workspace:
    """One catalog and schema, in this place."""

    catalog: str
    schema: str

    def table(self, name: str) -> str:
        """The three-level, quoted name of a table or view."""
        return f"`{self.catalog}`.`{self.schema}`.`{name}`"

    @property
    def secret_scope(self) -> str:
        """The scope of this place's keys, as the bundle names it: everybody's own where the schema is, too."""
        own = _DEVELOPMENT_SCHEMA.match(self.schema)
        return f"ragops-{self.catalog}-{own['user']}" if own else f"ragops-{self.catalog}"

    def volume(self, name: str) -> Path:
        """The folder of one of the schema's volumes."""
        return self.path(f"/{VOLUMES}/{self.catalog}/{self.schema}/{name}")

    def path(self, path: str | Path) -> Path:
        """A path as jobs write it: /Volumes/... lies inside the local workspace on a laptop."""
        parts = Path(path).parts
        if parts[:2] == ("/", VOLUMES) and not on_databricks():
            return local_home().joinpath(*parts[1:])
        return Path(path)

    def registered(self, name: str) -> str:
        """The three-level name of a model or a prompt in MLflow's registry, the same in every place."""
        return f"{self.catalog}.{self.schema}.{name}"

    @cached_property
    def spark(self) -> SparkSession:
        """The session of this notebook or command."""
        from pyspark.sql import SparkSession

        return SparkSession.builder.getOrCreate()

    def exists(self) -> bool:
        """Whether the schema is there for whoever asks; False too where its catalog is not. Needs Spark."""
        from pyspark.errors import PySparkException

        try:
            return self.spark.catalog.databaseExists(f"`{self.catalog}`.`{self.schema}`")
        except PySparkException:
            return False

    def create_schema(self) -> None:
        """Makes schema and volumes where a parameter names ones that no deployment made; leaves alone what is there.

        Looks first: Unity Catalog refuses CREATE IF NOT EXISTS to whoever may not create, even if it exists
        (dbt-labs/dbt-fusion #500).

        Raises:
            UserError: something is missing that may not be made here.
        """
        place = f"`{self.catalog}`.`{self.schema}`"
        if not self.spark.catalog.databaseExists(place):
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {place}", "CREATE SCHEMA", f"catalog {self.catalog}")
        for name in (LANDING, INDEXES, LEDGER):
            with needing("READ VOLUME", f"volume {self.registered(name)}"):
                if self.volume(name).is_dir():
                    continue
            if on_databricks():
                place = f"schema {self.catalog}.{self.schema}"
                self.execute(f"CREATE VOLUME IF NOT EXISTS {self.table(name)}", "CREATE VOLUME", place)
            else:
                self.volume(name).mkdir(parents=True, exist_ok=True)

    def execute(self, statement: str, rights: str, on: str) -> DataFrame:
        """Runs a statement; the rights that it needs, and on what, are told where they are missing.

        Raises:
            NotPermitted: they are.
        """
        with needing(rights, on):
            return self.spark.sql(statement)


def on_databricks() -> bool:
    """True on any Databricks compute, and in the container of a serving endpoint."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ or in_model_serving()


def in_model_serving() -> bool:
    """True in the container of a serving endpoint, as MLflow and the SDK tell it."""
    return any(os.environ.get(name, "").lower() in ("true", "1") for name in _SERVING_VARIABLES)


def is_mounted(path: Path) -> bool:
    """Whether a path is one of this machine's files. A volume's is not in model serving: see `platform.volumes`."""
    return path.parts[:2] != ("/", VOLUMES) or not in_model_serving()


def has_spark() -> bool:
    """Whether a session can be had here without starting anything."""
    return (on_databricks() and not in_model_serving()) or "SPARK_REMOTE" in os.environ


def bundle_root() -> Path:
    """The folder of databricks.yml, looked for upwards from the current folder.

    Raises:
        UserError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "databricks.yml").is_file():
            return folder
    raise UserError(f"no databricks.yml in {here} or above; change to the bundle's folder, or give --usecase PATH")


def find_local_home(target: str = "dev") -> Path | None:
    """The local workspace's folder; None where there is none."""
    if home := os.environ.get("LOCALBUNDLE_HOME"):
        return Path(home)
    here = Path.cwd()
    homes = (folder / ".localbundle" / target for folder in (here, *here.parents))
    return next((home for home in homes if home.is_dir()), None)


def local_home(target: str = "dev") -> Path:
    """The local workspace's folder.

    Raises:
        UserError: no local workspace is to be found.
    """
    if home := find_local_home(target):
        return home
    raise UserError(f"no local workspace for target {target} above {Path.cwd()}; make one with: make demo")


def models_folder(workspace: Workspace) -> Path:
    """Where converted models are kept: beside the indexes that need them, or once for all workspaces of a laptop."""
    if on_databricks():
        return workspace.volume(INDEXES) / "models"
    return cache_folder() / "models"


def cache_folder() -> Path:
    """Where this machine keeps what it can make again: in $XDG_CACHE_HOME or ~/.cache, if it is sure to have one."""
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache) / "ragops"
    home = Path(tempfile.gettempdir()) if on_databricks() else Path.home() / ".cache"
    return home / "ragops"


def use_mlflow(target: str = "dev") -> None:
    """Points MLflow at this place, for this process and its children.

    On a laptop that is one SQLite file in the local workspace; experiments made there need `mlflow_artifacts` as
    their location, since MLflow would put artifacts into the current folder.

    Raises:
        UserError: no local workspace is to be found.
    """
    os.environ |= _mlflow_settings(target)
    import mlflow

    # It tells of every table it makes and every trace it writes.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    if not on_databricks():
        _make_database(local_home(target) / "mlflow" / "mlflow.db", mlflow_artifacts(target))

    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    mlflow.set_registry_uri(os.environ["MLFLOW_REGISTRY_URI"])


def _make_database(file: Path, artifacts: str | None) -> None:
    """Left to itself, MLflow would keep what is logged to no experiment of ours in the folder that it was made from."""
    if not file.exists():
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        file.parent.mkdir(parents=True, exist_ok=True)
        SqlAlchemyStore(os.environ["MLFLOW_TRACKING_URI"], artifacts)  # type: ignore[no-untyped-call]


def mlflow_artifacts(target: str = "dev") -> str | None:
    """Where an experiment made here keeps its artifacts; None where the platform says."""
    return None if on_databricks() else (local_home(target) / "mlflow" / "artifacts").resolve().as_uri()


def _mlflow_settings(target: str) -> dict[str, str]:
    if on_databricks():
        return {"MLFLOW_TRACKING_URI": "databricks", "MLFLOW_REGISTRY_URI": "databricks-uc"}
    file = f"sqlite:///{local_home(target).resolve()}/mlflow/mlflow.db"
    return {
        "MLFLOW_TRACKING_URI": file,
        "MLFLOW_REGISTRY_URI": file,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # MLflow opens a session inside a session: workers that share a pool of connections lock each other out.
        "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }


def serving_tokens() -> tuple[str, Callable[[], str]]:
    """Base URL of OpenAI-compatible endpoints, and what gives a token that is valid whenever it is called.

    They are this workspace's own, or what the environment names.
    """
    if not on_databricks():
        return os.environ.get("OPENAI_BASE_URL", ""), lambda: os.environ.get("OPENAI_API_KEY", "")
    config = workspace_client().config
    return (
        f"{config.host}/serving-endpoints",
        lambda: config.authenticate().get("Authorization", "").removeprefix("Bearer "),
    )


def secret(scope: str, key: str) -> str:
    """A secret's value: from the workspace's scope; on a laptop from the environment or the local workspace's file.

    Raises:
        NotSet: there is none.
        UserError: it may not be read, or not now.
    """
    return _workspace_secret(scope, key) if on_databricks() else _local_secret(scope, key)


def _workspace_secret(scope: str, key: str) -> str:
    from databricks.sdk.errors import NotFound
    from databricks.sdk.errors.base import DatabricksError

    try:
        with needing("READ", f"secret scope {scope}"):
            return base64.b64decode(workspace_client().secrets.get_secret(scope, key).value or "").decode()
    except (DatabricksError, TimeoutError) as error:
        reason = " ".join(str(error).split())
        if isinstance(error, NotFound):
            fix = f"set it with: databricks secrets put-secret {scope} {key}"
            raise NotSet(f"secret {scope}/{key}: {reason}; {fix}") from error
        raise UserError(f"secret {scope}/{key}: it cannot be read now ({reason}); try again later") from error


def _local_secret(scope: str, key: str) -> str:
    variable = f"LOCALBUNDLE_SECRET_{scope}_{key}".upper().replace("-", "_")
    if variable in os.environ:
        return os.environ[variable]
    home = find_local_home()
    if home is None:
        raise NotSet(f"secret {scope}/{key} is not set; put it into {variable}")
    file = home / "secrets.json"
    own = _read_json(file).get(scope) if file.is_file() else None
    if not isinstance(own, dict) or key not in own:
        raise NotSet(f"secret {scope}/{key} is not set; put it into {file} or into {variable}")
    return str(own[key])


def secret_names(scope: str) -> list[str]:
    """The names of a scope's secrets in this place, sorted.

    Raises:
        UserError: the scope may not be read.
    """
    if not on_databricks():
        home = find_local_home()
        file = home / "secrets.json" if home else None
        return sorted(_read_json(file).get(scope) or {}) if file and file.is_file() else []
    with needing("READ", f"secret scope {scope}"):
        return sorted(str(one.key) for one in workspace_client().secrets.list_secrets(scope))


def _read_json(file: Path) -> dict[str, Any]:
    """A file that holds a JSON object. Raises UserError when it does not."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read as JSON ({error}); correct it, or remove it") from error
    if not isinstance(content, dict):
        raise UserError(f"{file}: is no JSON object; correct it, or remove it")
    return content


def workspace_client(answer_seconds: float = 60, retry_seconds: int = 300) -> WorkspaceClient:
    """A client of the Databricks workspace that we run in, or are logged in to.

    It waits `answer_seconds` for a response or its next bytes, and repeats what fails for `retry_seconds`.

    Raises:
        UserError: there are no credentials for one.
    """
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    try:
        return WorkspaceClient(config=Config(http_timeout_seconds=answer_seconds, retry_timeout_seconds=retry_seconds))
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"Databricks: {reason}; {_LOG_IN_SERVING if in_model_serving() else _LOG_IN}") from error


def known_catalogs() -> tuple[str, ...] | None:
    """The catalogs this place has: one on a laptop; None where only the workspace can tell."""
    return None if on_databricks() else ("spark_catalog",)


def deployed(target: str) -> Workspace:
    """The workspace that a target's bundle names, from the record a local run leaves in the workspace's folder.

    Volumes and MLflow of this process are that target's from here on.

    Raises:
        UserError: the target was never run here.
    """
    schema = _recorded(target, "resources", "schemas", "rag")
    os.environ.setdefault("LOCALBUNDLE_HOME", str(local_home(target).resolve()))
    return Workspace(catalog=schema["catalog_name"], schema=schema["name"])


def deployed_experiment(target: str) -> str:
    """The name of the experiment that a target's bundle deploys, from the same record; raises likewise."""
    return str(_recorded(target, "resources", "experiments", "quality")["name"])


def deployed_model(target: str) -> str:
    """The model that a target's bundle names in its variable `llm`, likewise; "" if it leaves that to usecase.yml."""
    return str(_recorded(target, "variables").get("llm", {}).get("value", ""))


def _recorded(target: str, *path: str) -> dict[str, Any]:
    """What the last local run of a target recorded of its bundle, at a place in it."""
    file, run = local_home(target) / "bundle.json", f"run: localbundle run refresh -t {target}"
    if not file.is_file():
        raise UserError(f"target {target} was never run here; {run}")
    found: Any = _read_json(file)
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise UserError(f"{file}: holds no {'.'.join(path)}; {run}")
    return found
