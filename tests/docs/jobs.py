"""Jobs, their tasks and parameters, from the bundle's files, the parameter classes and the notebooks."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
import yaml

from ragops.jobs.parameters import TaskParameters
from tests.docs.markdown import code, table
from tests.docs.settings import fields

ROOT = Path(__file__).parents[2]
_CHECKS = yaml.safe_load((ROOT / "environments" / "laptop.yml").read_text(encoding="utf-8"))["checks"]
_REFERENCES = {
    r"/Volumes/\$\{resources\.volumes\.(\w+)\..*": r"the volume `\1`",
    r"\$\{resources\.(\w+)s\.(\w+)\.name\}": r"the \1 `\2`",
    r"\$\{resources\.schemas\.(\w+)\.catalog_name\}": r"the catalog of the schema `\1`",
    r"\$\{workspace\.file_path\}/(.+)": r"the deployed `\1`",
    r"\$\{var\.([\w.]+)\}": r"the variable `\1`",
}
_ALIASES = {"schema_name": "schema"}


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
    meanings = _meanings(key, job)
    rows = [
        (code(one["name"]), _default(one["default"]), meanings.get(one["name"], ""))
        for one in job.get("parameters", [])
    ]
    yield from table(("parameter", "default", "meaning"), rows)


def _task(task: dict[str, Any]) -> tuple[str, str, str]:
    after = ", ".join(code(one["task_key"]) for one in task.get("depends_on", []))
    if notebook := task.get("notebook_task"):
        runs = code(f"notebooks/{Path(notebook['notebook_path']).name}")
    elif condition := task.get("condition_task"):
        runs = code(" ".join((condition["left"], condition["op"], condition["right"])))
    else:
        runs = "the job " + re.sub(r"\$\{resources\.jobs\.(\w+)\.id\}", r"`\1`", str(task["run_job_task"]["job_id"]))
    return code(task["task_key"]), after, runs


def _default(text: str) -> str:
    """A default in words where it refers to the bundle."""
    for pattern, words in _REFERENCES.items():
        if match := re.fullmatch(pattern, text):
            return match.expand(words)
    return code(text)


def _meanings(key: str, job: dict[str, Any]) -> dict[str, str]:
    """By parameter: the description of its field in a class of the job's module, else what a notebook says."""
    module = import_module(_CHECKS[key].partition(":")[0])
    found = _in_notebooks(job)
    for _, one in inspect.getmembers(module, inspect.isclass):
        if issubclass(one, TaskParameters):
            described = {name: meaning for name, _, _, meaning in fields(one) if meaning}
            found |= {_ALIASES.get(name, name): meaning for name, meaning in described.items()}
    return found


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
