"""A job's definition as typed values. What localbundle cannot run is refused here, by name, before anything starts."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.yamlfile import Text, place
from localbundle.errors import BundleError, closest

RunIf = Literal["ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED"]
Operator = Literal["EQUAL_TO", "NOT_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL"]
_KINDS = ("notebook_task", "condition_task")
# Where a task runs, who may see it and whom it tells: a laptop has one place and one user.
_IGNORED = (
    "job_cluster_key", "existing_cluster_id", "new_cluster", "environment_key", "compute", "libraries", "description",
    "email_notifications", "notification_settings", "webhook_notifications", "health",
)  # fmt: skip


def _plain(value: object) -> object:
    """YAML's true and false where text is wanted, as the real CLI takes them."""
    return str(value).lower() if isinstance(value, bool) else value


_Text = Annotated[str, BeforeValidator(_plain)]


class _Definition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Dependency(_Definition):
    """One edge of the DAG; `outcome` is set where the other end is a condition task."""

    task_key: str
    outcome: Annotated[Literal["true", "false"] | None, BeforeValidator(_plain)] = None


class NotebookTask(_Definition):
    """`notebook_path` is absolute and exists."""

    notebook_path: str
    base_parameters: dict[str, _Text] = {}
    source: str | None = None
    warehouse_id: str | None = None


class ConditionTask(_Definition):
    """A comparison; its outcome is "true" or "false"."""

    op: Operator
    left: _Text
    right: _Text


class Task(_Definition):
    """A task. Exactly one of the `..._task` fields is set."""

    task_key: str
    depends_on: list[Dependency] = []
    run_if: RunIf = "ALL_SUCCESS"
    notebook_task: NotebookTask | None = None
    condition_task: ConditionTask | None = None
    max_retries: int = Field(0, ge=-1)
    min_retry_interval_millis: int = Field(0, ge=0)
    retry_on_timeout: bool = False
    timeout_seconds: int = Field(0, ge=0)
    disabled: bool = False


class Job(_Definition):
    """A job as one run sees it; `tasks` are in topological order, `parameters` hold the declared defaults."""

    key: str
    name: str
    tasks: tuple[Task, ...]
    parameters: dict[str, str]
    max_concurrent_runs: int
    queue: bool
    timeout_seconds: int
    ignored: tuple[str, ...]

    def task(self, key: str) -> Task:
        """The task with this key, which must exist."""
        return next(task for task in self.tasks if task.task_key == key)


def find_job(bundle: Bundle, key: str) -> Job:
    """The job with this resource key, checked and typed.

    Raises:
        BundleError: no such job; a field is wrong; a notebook is missing; a task's kind does not run here.
    """
    if key not in bundle.jobs:
        raise BundleError(f"job {key} is not in the bundle; {closest(key, bundle.jobs)}")
    raw = bundle.jobs[key]
    tasks = _sorted([_task(bundle, key, task) for task in raw.get("tasks") or []], key)
    if not tasks:
        raise BundleError(f"job {key} has no tasks; add `tasks:` to it")
    return Job(
        key=key,
        name=raw.get("name", key),
        tasks=tuple(tasks),
        parameters={str(entry["name"]): str(_plain(entry.get("default", ""))) for entry in raw.get("parameters") or []},
        max_concurrent_runs=raw.get("max_concurrent_runs", 1),
        queue=bool((raw.get("queue") or {}).get("enabled")),
        timeout_seconds=raw.get("timeout_seconds", 0),
        ignored=tuple(sorted(_ignored(raw))),
    )


def job_parameters(job: Job, given: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a run: what is given over what the job declares.

    Raises:
        BundleError: a given name is not a parameter of the job.
    """
    for name in given:
        if name not in job.parameters:
            raise BundleError(f"job {job.key} has no parameter {name}; {closest(name, job.parameters)}")
    return {**job.parameters, **given}


def _task(bundle: Bundle, job: str, raw: Mapping[str, Any]) -> Task:
    key = raw.get("task_key")
    kinds = [name for name in raw if name.endswith("_task")]
    what = f"{place(key, bundle.root)}task {key} of job {job}"
    if len(kinds) != 1:
        raise BundleError(f"{what} must have exactly one kind of work, has {', '.join(kinds) or 'none'}; correct it")
    if kinds[0] not in _KINDS:
        raise BundleError(f"{what} is a {kinds[0]}, which localbundle cannot run; it runs {', '.join(_KINDS)}")
    try:
        task = Task.model_validate({name: value for name, value in raw.items() if name not in _IGNORED})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{what}: {field}: {first['msg']}; correct the field") from error
    if task.notebook_task is None:
        return task
    path = _notebook(bundle.root, raw["notebook_task"]["notebook_path"], what)
    return task.model_copy(update={"notebook_task": task.notebook_task.model_copy(update={"notebook_path": path})})


def _notebook(root: Path, written: str, what: str) -> str:
    """A path is relative to the file that holds it; the deployed form without extension is accepted too."""
    folder = written.file.parent if isinstance(written, Text) and written.file else root
    path = (folder / written).resolve()
    found = next((file for file in (path, Path(f"{path}.ipynb"), Path(f"{path}.py")) if file.is_file()), None)
    if found is None:
        raise BundleError(f"{what}: notebook {written} does not exist; correct notebook_path")
    if found.suffix not in (".ipynb", ".py"):
        raise BundleError(f"{what}: {found.name} is no Python notebook; use .ipynb or .py")
    return str(found)


def _sorted(tasks: list[Task], job: str) -> list[Task]:
    by_key = {task.task_key: task for task in tasks}
    if len(by_key) < len(tasks):
        raise BundleError(f"job {job} has two tasks with one task_key; rename one")
    for task in tasks:
        for edge in task.depends_on:
            _check_edge(task, edge, by_key, job)
    try:
        order = TopologicalSorter({task.task_key: [edge.task_key for edge in task.depends_on] for task in tasks})
        return [by_key[key] for key in order.static_order()]
    except CycleError as error:
        raise BundleError(f"tasks of job {job} wait for each other: {' -> '.join(error.args[1])}; break it") from error


def _check_edge(task: Task, edge: Dependency, tasks: Mapping[str, Task], job: str) -> None:
    if edge.task_key not in tasks:
        hint = closest(edge.task_key, tasks.keys() - {task.task_key})
        raise BundleError(f"task {task.task_key} of job {job} depends on {edge.task_key}, which is no task; {hint}")
    if (edge.outcome is not None) != (tasks[edge.task_key].condition_task is not None):
        raise BundleError(
            f"task {task.task_key} of job {job} depends on {edge.task_key}: an outcome is given for condition tasks "
            "and for no others; correct depends_on"
        )


def _ignored(raw: Mapping[str, Any]) -> Iterator[str]:
    """What of the job's compute a laptop leaves aside, in words."""
    for cluster in raw.get("job_clusters") or []:
        spec = cluster.get("new_cluster") or {}
        gpu = " (GPU)" if "gpu" in f"{spec.get('spark_version')} {spec.get('spark_conf')}" else ""
        yield f"job cluster {cluster.get('job_cluster_key')}{gpu}"
    for environment in raw.get("environments") or []:
        yield f"environment {environment.get('environment_key')}"
