"""Jobs, their tasks and parameters, from the bundle's files, the parameter classes and the notebooks."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
import yaml

from ragops.jobs.parameters import JobParameters
from tests.docs.markdown import code, table
from tests.docs.settings import fields, summary

ROOT = Path(__file__).parents[2]
_CHECKS = yaml.safe_load((ROOT / "environments" / "laptop.yml").read_text(encoding="utf-8"))["checks"]


def lines() -> Iterator[str]:
    """A section for each job, by its key."""
    found: dict[str, Any] = {}
    for file in sorted((ROOT / "resources").glob("*.job*.yml")):
        found |= yaml.safe_load(file.read_text(encoding="utf-8"))["resources"]["jobs"]
    for key, job in sorted(found.items()):
        yield from _job(key, job)


def _job(key: str, job: dict[str, Any]) -> Iterator[str]:
    yield f"## {key}"
    yield ""
    yield job.get("description", "")
    yield ""
    if schedule := job.get("schedule"):
        yield f"Schedule: `{schedule['quartz_cron_expression']}` ({schedule['timezone_id']})."
        yield ""
    yield f"Run it here: `localbundle run {key} -t dev`"
    yield ""
    yield from table(("task", "after", "runs"), [_task(task) for task in job["tasks"]])
    names = [one["name"] for one in job.get("parameters", [])]
    model = _model(key, names)
    yield from summary(model)
    meanings = _in_notebooks(job) | {
        {"schema_name": "schema"}.get(name, name): meaning for name, _, _, meaning in fields(model) if meaning
    }
    rows = [
        (code(one["name"]), code(one["default"]), meanings.get(one["name"], "")) for one in job.get("parameters", [])
    ]
    yield from table(("parameter", "default", "meaning"), rows)


def _task(task: dict[str, Any]) -> tuple[str, str, str]:
    after = ", ".join(one["task_key"] for one in task.get("depends_on", []))
    if notebook := task.get("notebook_task"):
        runs = code(f"notebooks/{Path(notebook['notebook_path']).name}")
    elif condition := task.get("condition_task"):
        runs = code(" ".join((condition["left"], condition["op"], condition["right"])))
    else:
        runs = "the job " + re.sub(r"\$\{resources\.jobs\.(\w+)\.id\}", r"`\1`", str(task["run_job_task"]["job_id"]))
    return code(task["task_key"]), after, runs


def _model(key: str, names: list[str]) -> type[JobParameters]:
    """The smallest class of the job's module that has all its parameters."""
    module = import_module(_CHECKS[key].partition(":")[0])
    wanted = {"schema_name" if name == "schema" else name for name in names}
    classes = [one for _, one in inspect.getmembers(module, inspect.isclass) if issubclass(one, JobParameters)]
    return min((one for one in classes if wanted <= one.model_fields.keys()), key=lambda one: len(one.model_fields))


def _in_notebooks(job: dict[str, Any]) -> dict[str, str]:
    """What the notebooks' own tables say of parameters."""
    found: dict[str, str] = {}
    for task in job["tasks"]:
        if notebook := task.get("notebook_task"):
            file = ROOT / "notebooks" / Path(notebook["notebook_path"]).name
            first = nbformat.read(file, as_version=4).cells[0].source
            for names, meaning in re.findall(r"^\| (`[^|]+`) \| (.+) \|$", first, re.MULTILINE):
                found |= dict.fromkeys(re.findall(r"`(\w+)`", names), meaning)
    return found
