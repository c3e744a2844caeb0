"""MLflow's experiments: opened by name, in a workspace whichever way their path is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.errors import UserError, is_missing, needing
from ragops.platform.workspace import local_home, mlflow_artifacts, on_databricks, use_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment


def open_experiment(name: str, target: str = "dev") -> str:
    """The id of an experiment, which is made if it is not there; runs and traces of this process go there from here on.

    Raises:
        UserError: MLflow refuses the name, or no local workspace is to be found.
    """
    use_mlflow(target)
    import mlflow
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    artifacts = mlflow_artifacts(target)
    try:
        client = MlflowClient()
        with needing("CAN EDIT", f"experiment {name}"):
            found = _find_experiment(client, name)
            if found and artifacts not in (None, found.artifact_location):
                raise UserError(_moved(name, found.artifact_location, local_home(target)))
            own = str(found.experiment_id if found else _make_experiment(client, name, artifacts))
            mlflow.set_experiment(experiment_id=own)
    except MlflowException as error:
        raise UserError(f"experiment {name}: MLflow refuses ({' '.join(str(error).split())}); correct it") from error
    except _database_errors() as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{os.environ['MLFLOW_TRACKING_URI']}: is no database of MLflow ({reason}); remove it"
        ) from error
    return own


def _find_experiment(client: MlflowClient, name: str) -> Experiment | None:
    """Looked for under each way to write its path; what one of them says counts only where none is found."""
    from mlflow.exceptions import MlflowException

    denied: MlflowException | None = None
    for spelling in _spellings(name):
        try:
            if found := client.get_experiment_by_name(spelling):
                return found
        except MlflowException as error:
            if error.error_code == "PERMISSION_DENIED":
                denied = error
            elif not is_missing(error):
                raise
    if denied:
        raise denied
    return None


def _make_experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    """Made under its short path, or found after all where somebody else was faster."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.create_experiment(_spellings(name)[0], artifacts))
    except MlflowException as error:
        if error.error_code == "RESOURCE_ALREADY_EXISTS" and (found := _find_experiment(client, name)):
            return str(found.experiment_id)
        raise


def _spellings(name: str) -> tuple[str, ...]:
    """Databricks keeps an experiment's path without /Workspace, and need not find it with it (mlflow/mlflow#11077)."""
    if not on_databricks() or not name.startswith("/"):
        return (name,)
    path = name.rstrip("/")
    short = path.removeprefix("/Workspace") if path.startswith("/Workspace/") else path
    return short, f"/Workspace{short}"


def _database_errors() -> tuple[type[Exception], ...]:
    """What a laptop's database of MLflow raises. The platform has none, and no task there SQLAlchemy."""
    if on_databricks():
        return ()
    from sqlalchemy.exc import SQLAlchemyError

    return (SQLAlchemyError,)


def _moved(name: str, location: str, home: Path) -> str:
    """A copied or moved workspace would go on writing into the folder that it came from."""
    fix = f"move it back, or begin a new history by removing {home / 'mlflow'}"
    return f"experiment {name}: keeps its artifacts in {location}, which is not this workspace's folder; {fix}"
