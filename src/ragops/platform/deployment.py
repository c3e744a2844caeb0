"""What the bundle deployed: read from a laptop's record of the last run, or from the workspace's deployment state."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ragops.errors import UserError
from ragops.platform.compute import in_app
from ragops.platform.config_files import read_json
from ragops.platform.credentials import workspace_client
from ragops.platform.workspace import Workspace, local_home

_ANSWER_SECONDS, _RETRY_SECONDS = 20, 30
_SHOWN = ("catalog", "schema", "usecase", "models", "landing", "reports", "experiment")


def deployed_workspace(target: str) -> Workspace:
    """The workspace of a bundle target, from the record that a local run leaves in the local workspace's folder.

    Sets LOCALBUNDLE_HOME: this process and its children use that target's volumes and MLflow store from now on.

    In an App it is in the variables RAGOPS_CATALOG and RAGOPS_SCHEMA, which the bundle sets there.

    Raises:
        UserError: the target has never been run here; or the App lacks a variable.
    """
    if in_app():
        return Workspace(_app_variable("RAGOPS_CATALOG"), _app_variable("RAGOPS_SCHEMA"))
    schema = _recorded(target, "resources", "schemas", "rag")
    os.environ.setdefault("LOCALBUNDLE_HOME", str(local_home(target).resolve()))
    return Workspace(catalog=schema["catalog_name"], schema=schema["name"])


def deployed_experiment(target: str) -> str:
    """The name of the experiment that a target deploys, from the same record. Raises the same errors."""
    if in_app():
        return _app_variable("RAGOPS_EXPERIMENT")
    return str(_recorded(target, "resources", "experiments", "quality")["name"])


def deployed_model(target: str) -> str:
    """The language model in a target's variable `llm`; "" if the target sets none. Raises the same errors."""
    if in_app():
        return os.environ.get("RAGOPS_LLM", "")
    return str(_recorded(target, "variables").get("llm", {}).get("value", ""))


def job_values_hint(job: str, folder: Path | None = None) -> str:
    """The end of an error about a parameter: the values of the deployed job, or where to find them.

    Args:
        job: its key in the bundle.
        folder: the notebook's; by default the current one, which serverless compute does not guarantee.
    """
    values = _job_defaults(job, folder or Path.cwd())
    result = ", ".join(f"{name}={values[name]}" for name in _SHOWN if values.get(name))
    return f"the job {job} uses {result}" if result else f"use those of the job {job}: its page lists its parameters"


def _app_variable(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise UserError(f"{name} is not set; set it in the App's env in resources/chat.app.yml, and deploy again")


def _recorded(target: str, *path: str) -> dict[str, Any]:
    """The mapping at a path in the record of a target's last local run."""
    file, run = local_home(target) / "bundle.json", f"run: localbundle run refresh -t {target}"
    if not file.is_file():
        raise UserError(f"target {target} has never been run here; {run}")
    found: Any = read_json(file)
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise UserError(f"{file}: has no {'.'.join(path)}; {run}")
    return found


def deployed_job_ids(files: Path) -> dict[str, int]:
    """The ids of the jobs that a deployment has created in a workspace, by their keys in the bundle.

    `databricks bundle deploy` puts files into ROOT/files, and the ids of jobs into ROOT/state/metadata.json.

    Args:
        files: a folder at or below ROOT/files.

    Raises:
        UserError: there is no such file, or it is not readable.
    """
    root = next((above for above in (files, *files.parents) if (above / "databricks.yml").is_file()), files)
    state = root.parent / "state" / "metadata.json"
    try:
        jobs = json.loads(state.read_text("utf-8"))["config"]["resources"]["jobs"]
        return {name: int(job["id"]) for name, job in jobs.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{state}: has no ids of jobs ({type(error).__name__}); deploy the bundle again") from error


def _job_defaults(job: str, folder: Path) -> dict[str, str]:
    """The parameters of a job as deployed; empty if they cannot be determined."""
    from databricks.sdk.errors.base import DatabricksError

    try:
        client = workspace_client(_ANSWER_SECONDS, _RETRY_SECONDS)
        settings = client.jobs.get(deployed_job_ids(folder)[job]).settings
    except (KeyError, UserError, DatabricksError):
        return {}
    parameters = settings.parameters if settings else None
    return {parameter.name: parameter.default for parameter in parameters or []}
