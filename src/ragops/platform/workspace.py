"""The workspace: table names, volume paths, and the Spark session of one catalog and schema.

On Databricks these are the platform's own. Behind a serving endpoint too, but without Spark, and volumes are not
mounted. On a laptop a local workspace replaces the platform: the folder `.localbundle/TARGET`. Jobs get its path in
LOCALBUNDLE_HOME; commands search for it upward from the current folder.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.errors import UserError, needing
from ragops.platform.compute import has_only_remote_volumes, on_databricks

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

VOLUMES = "Volumes"
"""Where volumes are mounted, below the root or below a local workspace's folder."""
LANDING = "landing"
INDEXES = "indexes"
LEDGER = "ledger"
MODELS = "models"

# The prefix of a schema's name in development mode; databricks.yml appends the same user to the secret scope's name.
_DEVELOPMENT_SCHEMA = re.compile(r"dev_(?P<user>\w+?)_rag(_|$)")


@dataclass(frozen=True)
class Workspace:
    """One catalog and schema, on Databricks or on a laptop.

    Example:
        >>> from ragops import Workspace
        >>> workspace = Workspace("main", "rag")
        >>> workspace.table("chunks")
        '`main`.`rag`.`chunks`'
    """

    catalog: str
    schema: str

    def table(self, name: str) -> str:
        """The three-level, quoted name of a table or view."""
        return f"`{self.catalog}`.`{self.schema}`.`{name}`"

    @property
    def secret_scope(self) -> str:
        """The secret scope that the bundle creates: one for each user where the schema is a development one."""
        own = _DEVELOPMENT_SCHEMA.match(self.schema)
        return f"ragops-{self.catalog}-{own['user']}" if own else f"ragops-{self.catalog}"

    def volume(self, name: str) -> Path:
        """The folder of one of the schema's volumes."""
        return self.path(f"/{VOLUMES}/{self.catalog}/{self.schema}/{name}")

    def path(self, path: str | Path) -> Path:
        """A path as jobs write it; on a laptop /Volumes/... becomes a path inside the local workspace."""
        return mapped(path)

    def registered(self, name: str) -> str:
        """The three-level name of a model or a prompt in MLflow's registry, the same in every environment."""
        return f"{self.catalog}.{self.schema}.{name}"

    @cached_property
    def spark(self) -> SparkSession:
        """The session of this notebook or command."""
        from pyspark.sql import SparkSession

        return SparkSession.builder.getOrCreate()

    def exists(self) -> bool:
        """Whether the schema exists and is visible to the current user. Needs Spark."""
        from pyspark.errors import PySparkException

        try:
            return self.spark.catalog.databaseExists(f"`{self.catalog}`.`{self.schema}`")
        except PySparkException:  # the catalog does not exist
            return False

    def create_schema(self) -> None:
        """Creates the schema and its volumes where they are missing, for runs outside a deployment.

        Checks first: Unity Catalog refuses CREATE IF NOT EXISTS to users without the right to create, even if the
        object exists (dbt-labs/dbt-fusion #500).

        Raises:
            UserError: something is missing and the current user may not create it.
        """
        schema = f"`{self.catalog}`.`{self.schema}`"
        if not self.spark.catalog.databaseExists(schema):
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}", "CREATE SCHEMA", f"catalog {self.catalog}")
        for name in (LANDING, INDEXES, LEDGER):
            with needing("READ VOLUME", f"volume {self.registered(name)}"):
                if self.volume(name).is_dir():
                    continue
            if on_databricks():
                statement = f"CREATE VOLUME IF NOT EXISTS {self.table(name)}"
                self.execute(statement, "CREATE VOLUME", f"schema {self.catalog}.{self.schema}")
            else:
                self.volume(name).mkdir(parents=True, exist_ok=True)

    def execute(self, statement: str, rights: str, on: str) -> DataFrame:
        """Runs a SQL statement.

        Args:
            statement: the statement.
            rights: the rights it needs, as in `needing`; named in the error if they are missing.
            on: the object they are needed on, with its kind first: "catalog main".

        Raises:
            NotPermitted: the current user lacks the rights.
        """
        with needing(rights, on):
            return self.spark.sql(statement)


def mapped(path: str | Path) -> Path:
    """A path as jobs write it; on a laptop /Volumes/... becomes a path inside the local workspace."""
    parts = Path(path).parts
    if parts[:2] == ("/", VOLUMES) and not on_databricks():
        return local_home().joinpath(*parts[1:])
    return Path(path)


def is_mounted(path: Path) -> bool:
    """Whether a path can be opened as a file here. Volumes cannot in model serving and Apps: see `platform.volumes`."""
    return path.parts[:2] != ("/", VOLUMES) or not has_only_remote_volumes()


def bundle_root() -> Path:
    """The folder of databricks.yml, searched for upward from the current folder.

    Raises:
        UserError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "databricks.yml").is_file():
            return folder
    raise UserError(f"no databricks.yml in {here} or above; change to the bundle's folder, or give --usecase PATH")


def find_local_home(target: str = "dev") -> Path | None:
    """The local workspace's folder; None if there is none."""
    if home := os.environ.get("LOCALBUNDLE_HOME"):
        return Path(home)
    here = Path.cwd()
    homes = (folder / ".localbundle" / target for folder in (here, *here.parents))
    return next((home for home in homes if home.is_dir()), None)


def local_home(target: str = "dev") -> Path:
    """The local workspace's folder.

    Raises:
        UserError: there is none.
    """
    if home := find_local_home(target):
        return home
    raise UserError(f"no local workspace for target {target} above {Path.cwd()}; create one with: make demo")


def models_folder(workspace: Workspace) -> Path:
    """The folder of converted models: next to the indexes that need them, or one for all workspaces of a laptop."""
    if on_databricks():
        return workspace.volume(INDEXES) / "models"
    return cache_folder() / "models"


def cache_folder() -> Path:
    """This machine's folder for files that can be rebuilt: below $XDG_CACHE_HOME, ~/.cache or, on Databricks, /tmp."""
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache) / "ragops"
    # Databricks does not guarantee a home directory.
    home = Path(tempfile.gettempdir()) if on_databricks() else Path.home() / ".cache"
    return home / "ragops"


def known_catalogs() -> tuple[str, ...] | None:
    """The catalogs that exist: one on a laptop; None on Databricks, where only the workspace knows."""
    return None if on_databricks() else ("spark_catalog",)
