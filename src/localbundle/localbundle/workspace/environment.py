"""The environment of a process in a local workspace: the names in CONTRACT.md, each defined only here."""

from pathlib import Path

from localbundle.volumes import environment as volumes

HOME = "LOCALBUNDLE_HOME"
TARGET = "LOCALBUNDLE_TARGET"
# Inherited by every process that a run starts, directly or not: the guard finds them all by it.
OWNER = "LOCALBUNDLE_OWNER"
SECRET_PREFIX = "LOCALBUNDLE_SECRET_"
SPARK = "SPARK_REMOTE"

VOLUMES = "Volumes"
SECRETS_FILE = "secrets.json"
MLFLOW_DATABASE = "mlflow/mlflow.db"


def workspace_environment(home: Path, *, strict_volumes: bool, remote: str = "") -> dict[str, str]:
    """The environment variables of tasks, Spark's Python workers and tools in a workspace.

    Args:
        home: the folder of the workspace.
        strict_volumes: whether volumes refuse what they refuse on Databricks.
        remote: the URL of the Spark server, if it is running.
    """
    home = home.resolve()
    database = f"sqlite:///{home / MLFLOW_DATABASE}"
    return {
        **({SPARK: remote} if remote else {}),
        **volumes.environment(home / VOLUMES, strict=strict_volumes),
        HOME: str(home),
        TARGET: home.name,
        "MLFLOW_TRACKING_URI": database,
        "MLFLOW_REGISTRY_URI": database,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Threads that share a pool of connections to one SQLite file lock each other out.
        "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "DO_NOT_TRACK": "1",
    }


def secret_variable(scope: str, key: str) -> str:
    """The variable that overrides a secret of the workspace's secrets.json."""
    return f"{SECRET_PREFIX}{scope}_{key}".upper().replace("-", "_")


def local_path(home: Path, path: str) -> Path:
    """A path as a job writes it: /Volumes/... is a folder of the workspace."""
    plain = path.removeprefix("dbfs:").removeprefix("file:")
    return home / plain.lstrip("/") if plain.startswith(f"/{VOLUMES}/") else Path(plain)
