"""Where we are: table names, volume paths, secrets, the Spark session. The only module that may know the place.

On Databricks these are the platform's own. On a laptop a local workspace stands in for them: a folder
`.localbundle/TARGET` whose path is in LOCALBUNDLE_HOME inside a job, and is looked for upwards from the
current folder on the command line.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragops.errors import UserError

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from pyspark.sql import SparkSession

LANDING = "landing"
INDEXES = "indexes"


@dataclass(frozen=True)
class Workspace:
    """One catalog and schema, in this place."""

    catalog: str
    schema: str

    def table(self, name: str) -> str:
        """The three-level, quoted name of a table or view."""
        return f"`{self.catalog}`.`{self.schema}`.`{name}`"

    def volume(self, name: str) -> Path:
        """The folder of one of the schema's volumes."""
        return self.path(f"/Volumes/{self.catalog}/{self.schema}/{name}")

    def path(self, path: str | Path) -> Path:
        """A path as jobs write it: /Volumes/... lies inside the local workspace on a laptop."""
        parts = Path(path).parts
        if parts[:2] == ("/", "Volumes") and not on_databricks():
            return local_home().joinpath(*parts[1:])
        return Path(path)

    @cached_property
    def spark(self) -> SparkSession:
        """The session of this notebook or command."""
        from pyspark.sql import SparkSession

        return SparkSession.builder.getOrCreate()

    def create_schema(self) -> None:
        """Makes schema and volumes where a parameter names ones that no deployment made."""
        self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{self.catalog}`.`{self.schema}`")
        for name in (LANDING, INDEXES):
            if on_databricks():
                self.spark.sql(f"CREATE VOLUME IF NOT EXISTS {self.table(name)}")
            else:
                self.volume(name).mkdir(parents=True, exist_ok=True)


def on_databricks() -> bool:
    """True on any Databricks compute."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ


def has_spark() -> bool:
    """Whether a session can be had here without starting anything."""
    return on_databricks() or "SPARK_REMOTE" in os.environ


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


def local_home(target: str = "dev") -> Path:
    """The local workspace's folder.

    Raises:
        UserError: no local workspace is to be found.
    """
    if home := os.environ.get("LOCALBUNDLE_HOME"):
        return Path(home)
    here = Path.cwd()
    for folder in (here, *here.parents):
        home_folder = folder / ".localbundle" / target
        if home_folder.is_dir():
            return home_folder
    raise UserError(f"no local workspace for target {target} above {here}; make one with: make demo")


def models_folder(workspace: Workspace) -> Path:
    """Where converted models are kept: beside the indexes that need them, or once for all workspaces of a laptop."""
    if on_databricks():
        return workspace.volume(INDEXES) / "models"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ragops" / "models"


def serving_access() -> tuple[str, str]:
    """Base URL and token of OpenAI-compatible endpoints: this workspace's own, or what the environment names."""
    if not on_databricks():
        return os.environ.get("OPENAI_BASE_URL", ""), os.environ.get("OPENAI_API_KEY", "")
    from databricks.sdk.config import Config

    config = Config()
    token = config.authenticate().get("Authorization", "").removeprefix("Bearer ")
    return f"{config.host}/serving-endpoints", token


def workspace_client() -> WorkspaceClient:
    """A client of the Databricks workspace that we run in, or are logged in to.

    Raises:
        UserError: there are no credentials for one.
    """
    from databricks.sdk import WorkspaceClient

    try:
        return WorkspaceClient()
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"Databricks: {reason}; log in with: databricks auth login --host URL") from error


def known_catalogs() -> tuple[str, ...] | None:
    """The catalogs this place has: one on a laptop; None where only the workspace can tell."""
    return None if on_databricks() else ("spark_catalog",)


def deployed(target: str) -> Workspace:
    """The workspace that a target's bundle names, from the record a local run leaves in the workspace's folder.

    Raises:
        UserError: the target was never run here.
    """
    record = local_home(target) / "bundle.json"
    if not record.is_file():
        raise UserError(f"target {target} was never run here; run: localbundle run refresh -t {target}")
    bundle: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    schema = bundle["resources"]["schemas"]["rag"]
    return Workspace(catalog=schema["catalog_name"], schema=schema["name"])
