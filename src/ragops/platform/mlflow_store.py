"""MLflow's tracking store and registry: where they are, and experiments opened by name."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.errors import UserError, is_missing, needing
from ragops.platform.compute import on_databricks
from ragops.platform.workspace import find_local_home, local_home
from ragops.text import one_line

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

_SQLITE = b"SQLite format 3\0"


def use_mlflow(target: str = "dev") -> None:
    """Points MLflow at this environment's store, for this process and its children.

    On a laptop that is one SQLite file in the local workspace; experiments created there need `mlflow_artifacts` as
    their location, since MLflow would put artifacts into the current folder.

    Raises:
        UserError: there is no local workspace, or its file is not a database.
    """
    if not on_databricks():
        _check_database(_database(target))
    os.environ |= _settings(target)
    import mlflow

    # It logs every table it creates and every trace it writes; and of a locked database the stack before it raises.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    if not on_databricks():
        _create_database(_database(target), mlflow_artifacts(target))

    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    mlflow.set_registry_uri(os.environ["MLFLOW_REGISTRY_URI"])


def store_exists(target: str = "dev") -> bool:
    """Whether there may be anything in the store; it takes 3 s to create a laptop's, and a second to import MLflow."""
    return on_databricks() or (find_local_home(target) is not None and _database(target).exists())


def mlflow_artifacts(target: str = "dev") -> str | None:
    """The artifact location for a new experiment; None where the platform chooses it."""
    return None if on_databricks() else (local_home(target) / "mlflow" / "artifacts").resolve().as_uri()


def open_experiment(name: str, target: str = "dev") -> str:
    """Opens an experiment, creating it if needed; this process logs its runs and traces there from now on.

    Returns:
        The experiment's id.

    Raises:
        UserError: MLflow refuses the name, or there is no local workspace.
    """
    use_mlflow(target)
    import mlflow
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    artifacts = mlflow_artifacts(target)
    try:
        client = MlflowClient()
        with answering("CAN EDIT", f"experiment {name}"):
            found = _find_experiment(client, name)
            if found and artifacts not in (None, found.artifact_location):
                raise UserError(_moved(name, found.artifact_location, local_home(target)))
            own = str(found.experiment_id if found else _create_experiment(client, name, artifacts))
            mlflow.set_experiment(experiment_id=own)
    except MlflowException as error:
        raise UserError(f"experiment {name}: MLflow refuses ({one_line(error)}); correct it") from error
    except _database_errors() as error:
        reason = str(error).splitlines()[0]
        uri = os.environ["MLFLOW_TRACKING_URI"]
        raise UserError(f"{uri}: is not an MLflow database ({reason}); remove it") from error
    return own


def store_errors() -> tuple[type[Exception], ...]:
    """The errors of a tracking store that refuses, is locked, or does not answer."""
    from mlflow.exceptions import MlflowException

    return (MlflowException, OSError, *_database_errors())  # of requests: OSErrors


@contextmanager
def answering(rights: str, on: str) -> Iterator[None]:
    """As `errors.needing`, and one line too for a store that is locked or does not answer; other errors pass through.

    Raises:
        NotPermitted: the platform refuses.
        UserError: the store does not answer.
    """
    with needing(rights, on):
        try:
            yield
        except UserError:
            raise
        except store_errors() as error:
            if not _is_down(error):
                raise
            why = one_line(str(error).partition("[SQL:")[0], 200)
            fix = "run this again; if that does not help, find out who holds it"
            raise UserError(f"{on}: MLflow's store is locked or does not answer ({why}); {fix}") from error


def _is_down(error: Exception) -> bool:
    """A locked SQLite store is reported after 20 seconds, with this code or by SQLAlchemy itself."""
    return getattr(error, "error_code", "") == "TEMPORARILY_UNAVAILABLE" or "database is locked" in str(error)


def _settings(target: str) -> dict[str, str]:
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


def _database(target: str) -> Path:
    return local_home(target) / "mlflow" / "mlflow.db"


def _check_database(file: Path) -> None:
    """MLflow would try to open another file for two minutes."""
    if not file.is_file():
        return
    with file.open("rb") as opened:
        if opened.read(len(_SQLITE)) not in (_SQLITE, b""):
            raise UserError(
                f"{file} is damaged: restore it from a copy, or remove it with its runs, traces and registered models"
            )


def _create_database(file: Path, artifacts: str | None) -> None:
    """Creates the store with our artifact folder as default; MLflow's own default would be the current folder.

    It appears complete: a process that is killed meanwhile leaves no half-made one.
    """
    if not file.exists():
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=file.parent) as folder:
            draft = Path(folder) / file.name
            SqlAlchemyStore(f"sqlite:///{draft.resolve()}", artifacts)  # type: ignore[no-untyped-call]
            with suppress(FileExistsError):  # another process was faster
                os.link(draft, file)


def _find_experiment(client: MlflowClient, name: str) -> Experiment | None:
    """Searches under each spelling of the path; an error for one of them counts only if none is found."""
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


def _create_experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    """Creates it under its short path, or finds it after all if someone else was faster."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.create_experiment(_spellings(name)[0], artifacts))
    except MlflowException as error:
        if error.error_code == "RESOURCE_ALREADY_EXISTS" and (found := _find_experiment(client, name)):
            return str(found.experiment_id)
        raise


def _spellings(name: str) -> tuple[str, ...]:
    """Databricks stores an experiment's path without /Workspace, and may not find it with it (mlflow/mlflow#11077)."""
    if not on_databricks() or not name.startswith("/"):
        return (name,)
    path = name.rstrip("/")
    short = path.removeprefix("/Workspace") if path.startswith("/Workspace/") else path
    return short, f"/Workspace{short}"


def _database_errors() -> tuple[type[Exception], ...]:
    """The errors of a laptop's SQLite store; none on Databricks, where SQLAlchemy may not be installed."""
    if on_databricks():
        return ()
    from sqlalchemy.exc import SQLAlchemyError

    return (SQLAlchemyError,)


def _moved(name: str, location: str, home: Path) -> str:
    """A workspace that was copied or moved would keep writing into its old folder."""
    fix = f"move it back, or start a new history by removing {home / 'mlflow'}"
    return f"experiment {name}: its artifacts are in {location}, outside this workspace's folder; {fix}"
