"""A notebook that people open begins with the values that its job passes, so that all cells run as they are."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import Job, find_job
from localbundle.errors import BundleError


def notebook_of(names: Mapping[str, Any]) -> Path | None:
    """The notebook that this kernel runs: VS Code leaves its path among the names, Jupyter in the environment."""
    path = names.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    return Path(path).resolve() if path else None


def job_values(bundle: Bundle, notebook: Path) -> tuple[str, dict[str, str]] | None:
    """What the first task that runs this notebook passes to it, and the task's name in words; None if no task does.

    Values that only a run knows ({{job.run_id}}) are left out: the notebook's own defaults stand for them.
    """
    for key in bundle.jobs:
        try:
            job = find_job(bundle, key)
        except BundleError:  # a job that cannot run here passes nothing here
            continue
        if found := _values(job, notebook):
            return found
    return None


def _values(job: Job, notebook: Path) -> tuple[str, dict[str, str]] | None:
    for task in job.tasks:
        work = task.work.notebook_task
        if work and Path(work.notebook_path).resolve() == notebook:
            passed = work.base_parameters | job.parameters
            known = {name: value for name, value in passed.items() if "{{" not in value}
            return f"task {task.task_key} of job {job.key}", known
    return None
