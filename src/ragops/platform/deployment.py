"""The bundle that a notebook in a workspace was deployed with: what its jobs use, told to whoever works by hand."""

import json
from pathlib import Path

from ragops.errors import UserError
from ragops.platform.workspace import workspace_client

_ANSWER_SECONDS, _RETRY_SECONDS = 20, 30
_SHOWN = ("catalog", "schema", "usecase", "models", "landing", "reports", "experiment")


def job_has(job: str, folder: Path | None = None) -> str:
    """The end of an error's line: the place that a deployed job works in, or where that is to be read.

    Args:
        job: its key in the bundle.
        folder: that of the notebook; by default the current one, which serverless compute does not promise.
    """
    values = _defaults(job, folder or Path.cwd())
    result = ", ".join(f"{name}={values[name]}" for name in _SHOWN if values.get(name))
    return f"the job {job} has {result}" if result else f"use those of the job {job}: its page lists its parameters"


def _defaults(job: str, folder: Path) -> dict[str, str]:
    """The parameters of a job as they were deployed; none where that cannot be found out.

    `databricks bundle deploy` puts files into ROOT/files, and the ids of jobs into ROOT/state/metadata.json.
    """
    from databricks.sdk.errors.base import DatabricksError

    files = next((above for above in (folder, *folder.parents) if (above / "databricks.yml").is_file()), folder)
    try:
        deployed = json.loads((files.parent / "state" / "metadata.json").read_text("utf-8"))["config"]["resources"]
        client = workspace_client(_ANSWER_SECONDS, _RETRY_SECONDS)
        settings = client.jobs.get(int(deployed["jobs"][job]["id"])).settings
    except (OSError, ValueError, KeyError, TypeError, UserError, DatabricksError):
        return {}
    parameters = settings.parameters if settings else None
    return {parameter.name: parameter.default for parameter in parameters or []}
