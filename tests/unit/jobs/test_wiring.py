"""Jobs, notebooks and parameter classes agree: each parameter is declared where it is used, and nowhere else."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from ragops.jobs.parameters import TaskParameters
from tests.notebooks import parameters_class, widgets

ROOT = Path(__file__).parents[3]


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted((ROOT / "resources").glob("*.job*.yml")):
        yield from yaml.safe_load(file.read_text())["resources"]["jobs"].items()


JOBS = dict(jobs())
NOTEBOOK_TASKS = [
    pytest.param(job, task, id=f"{key}-{task['task_key']}")
    for key, job in JOBS.items()
    for task in job["tasks"]
    if "notebook_task" in task
]
CHECKS = yaml.safe_load((ROOT / "environments/laptop.yml").read_text())["checks"]


def read_notebook(task: dict[str, Any]) -> Any:
    path = (ROOT / "resources" / task["notebook_task"]["notebook_path"]).resolve()
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def class_of(task: dict[str, Any]) -> type[TaskParameters]:
    module, name = parameters_class(read_notebook(task))
    found = getattr(importlib.import_module(module), name)
    assert issubclass(found, TaskParameters)
    return found


def passed_by(job: dict[str, Any], task: dict[str, Any]) -> set[str]:
    own = {parameter["name"] for parameter in job["parameters"]}
    return own | task["notebook_task"].get("base_parameters", {}).keys()


@pytest.mark.parametrize(("job", "task"), NOTEBOOK_TASKS)
def test_a_notebook_declares_the_parameters_that_its_class_reads(job: dict[str, Any], task: dict[str, Any]) -> None:
    assert widgets(read_notebook(task)) == class_of(task).names().keys()


@pytest.mark.parametrize(("job", "task"), NOTEBOOK_TASKS)
def test_a_task_is_passed_everything_that_it_reads(job: dict[str, Any], task: dict[str, Any]) -> None:
    assert class_of(task).names().keys() <= passed_by(job, task)
    base = task["notebook_task"].get("base_parameters", {})
    assert base.keys() <= class_of(task).names().keys()


@pytest.mark.parametrize(("job", "task"), NOTEBOOK_TASKS)
def test_a_task_ignores_parameters_of_other_tasks(job: dict[str, Any], task: dict[str, Any]) -> None:
    """Databricks and localbundle pass every parameter of the job to each of its notebooks."""
    others = passed_by(job, task) - class_of(task).names().keys()
    assert not others or class_of(task).model_config["extra"] == "ignore"


@pytest.mark.parametrize(("job", "task"), NOTEBOOK_TASKS)
def test_a_task_uses_every_parameter_that_it_reads(job: dict[str, Any], task: dict[str, Any]) -> None:
    kind = class_of(task)
    modules = {one.__module__ for one in kind.__mro__ if issubclass(one, TaskParameters)}
    cells = (cell.source for cell in read_notebook(task).cells if cell.cell_type == "code")
    text = "\n".join([*(inspect.getsource(importlib.import_module(module)) for module in modules), *cells])
    assert [name for name in kind.model_fields if not re.search(rf"\.{name}\b", text)] == []


@pytest.mark.parametrize("key", JOBS)
def test_a_job_has_no_parameter_that_no_task_reads(key: str) -> None:
    job = JOBS[key]
    read: set[str] = set()
    for task in job["tasks"]:
        if "notebook_task" in task:
            read |= class_of(task).names().keys()
        for value in task.get("run_job_task", {}).get("job_parameters", {}).values():
            read |= set(re.findall(r"\{\{job\.parameters\.(\w+)\}\}", value))
    assert {parameter["name"] for parameter in job["parameters"]} <= read


@pytest.mark.parametrize(("job", "task"), NOTEBOOK_TASKS)
def test_every_parameter_is_explained(job: dict[str, Any], task: dict[str, Any]) -> None:
    assert all(class_of(task).names().values())


def test_every_job_has_a_check_on_laptops() -> None:
    assert CHECKS.keys() == JOBS.keys()
    for name in CHECKS.values():
        module, _, function = name.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_the_printed_parameters_have_values_and_meanings(capsys: pytest.CaptureFixture[str]) -> None:
    found = TaskParameters.read({"catalog": "spark_catalog", "schema": "rag", "another": "x"})
    _ = found.workspace
    found.show()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:2] for line in lines] == [["parameter", "value"], ["catalog", "spark_catalog"], ["schema", "rag"]]
