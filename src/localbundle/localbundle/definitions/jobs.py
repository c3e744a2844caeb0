"""A job's definition as typed values. What localbundle cannot run is refused here, by name, before anything starts."""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.tasks import KINDS, Dependency, Task, plain
from localbundle.definitions.yamlfile import beside, in_place_of, place
from localbundle.errors import BundleError, closest

# Where a task runs, who may see it and whom it tells: a laptop has one place and one user.
_TASK_ASIDE = (
    "job_cluster_key", "existing_cluster_id", "new_cluster", "environment_key", "compute", "libraries", "description",
    "email_notifications", "notification_settings", "webhook_notifications", "health",
)  # fmt: skip
_JOB_FIELDS = (
    "name", "tasks", "parameters", "max_concurrent_runs", "queue", "timeout_seconds", "job_clusters", "environments",
    "description", "schedule", "trigger", "continuous", "tags", "format", "edit_mode", "run_as", "permissions",
    "email_notifications", "notification_settings", "webhook_notifications", "health", "budget_policy_id",
    "usage_policy_id", "performance_target", "deployment", "lifecycle",
)  # fmt: skip
FILE_FIELDS = {"notebook_task": "notebook_path", "spark_python_task": "python_file"}
_ONLY = re.compile(r"(\+?)([\w-]+)(\+?)")


class Job(BaseModel):
    """A job as one run sees it; `tasks` are in topological order, `parameters` hold the declared defaults.

    `libraries` are what its environments and tasks install: requirement lines, and wheels by absolute path.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    name: str
    tasks: tuple[Task, ...]
    parameters: dict[str, str]
    max_concurrent_runs: int
    queue: bool
    timeout_seconds: int
    libraries: tuple[str, ...]
    ignored: tuple[str, ...]

    def task(self, key: str) -> Task:
        """The task with this key, which must exist."""
        return next(task for task in self.tasks if task.task_key == key)


def find_job(bundle: Bundle, key: str) -> Job:
    """The job with this resource key, checked and typed, and with it every job that it runs.

    Raises:
        BundleError: no such job; a field is wrong; a file is missing; a task's kind does not run here.
    """
    return _find_job(bundle, key, ())


def _find_job(bundle: Bundle, key: str, above: tuple[str, ...]) -> Job:
    if key not in bundle.jobs:
        raise BundleError(f"job {key} is not in the bundle; {closest(key, bundle.jobs)}")
    if key in above:
        raise BundleError(f"jobs run each other in a circle: {' -> '.join([*above, key])}; break it")
    raw = bundle.jobs[key]
    for field in raw:
        if field not in _JOB_FIELDS:
            raise BundleError(f"{place(field, bundle.root)}job {key}: {field} cannot be used here; {_fix(field)}")
    tasks = _sorted([_task(bundle, key, task) for task in raw.get("tasks") or []], key)
    if not tasks:
        raise BundleError(f"job {key} has no tasks; add `tasks:` to it")
    for task in tasks:
        if task.work.run_job_task:
            _find_job(bundle, task.work.run_job_task.job_id, (*above, key))
    try:
        return Job(
            key=key,
            name=raw.get("name", key),
            tasks=tuple(tasks),
            parameters={entry["name"]: str(plain(entry.get("default", ""))) for entry in raw.get("parameters") or []},
            max_concurrent_runs=raw.get("max_concurrent_runs", 1),
            queue=bool((raw.get("queue") or {}).get("enabled")),
            timeout_seconds=raw.get("timeout_seconds", 0),
            libraries=tuple(dict.fromkeys(_libraries(bundle, raw))),
            ignored=tuple(sorted(_ignored(raw))),
        )
    except ValidationError as error:
        raise BundleError(f"{place(key, bundle.root)}job {key}: {_reason(error)}") from error


def job_parameters(job: Job, given: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a run: what is given over what the job declares.

    Raises:
        BundleError: a given name is not a parameter of the job.
    """
    for name in given:
        if name not in job.parameters:
            raise BundleError(f"job {job.key} has no parameter {name}; {closest(name, job.parameters)}")
    return {**job.parameters, **given}


def select_tasks(job: Job, only: str) -> Job:
    """The job with the tasks that `--only` names: `a`, `+b` (b and all upstream), `c+` (c and all downstream).

    Raises:
        BundleError: a name is no task, or the text is not of that form.
    """
    up = {task.task_key: {edge.task_key for edge in task.depends_on} for task in job.tasks}
    down = {key: {other for other, edges in up.items() if key in edges} for key in up}
    chosen: set[str] = set()
    for part in only.split(","):
        match = _ONLY.fullmatch(part.strip())
        if match is None or match[2] not in up:
            raise BundleError(f"--only {part}: is no task of job {job.key}; {closest(part.strip('+ '), up)}")
        chosen |= {match[2]}
        chosen |= reachable(up, match[2]) if match[1] else set()
        chosen |= reachable(down, match[2]) if match[3] else set()
    tasks = [task for task in job.tasks if task.task_key in chosen]
    kept = [[edge for edge in task.depends_on if edge.task_key in chosen] for task in tasks]
    pruned = [task.model_copy(update={"depends_on": edges}) for task, edges in zip(tasks, kept, strict=True)]
    return job.model_copy(update={"tasks": tuple(pruned)})


def reachable(edges: Mapping[str, set[str]], start: str) -> set[str]:
    """All that can be reached from `start` over the edges, itself left out."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _task(bundle: Bundle, job: str, raw: Mapping[str, Any], nested: bool = False) -> Task:
    key = raw.get("task_key")
    what = f"{place(key, bundle.root)}task {key} of job {job}"
    kinds = [name for name in raw if name.endswith("_task")]
    if len(kinds) != 1:
        raise BundleError(f"{what} must have exactly one kind of work, has {', '.join(kinds) or 'none'}; correct it")
    if kinds[0] not in KINDS:
        raise BundleError(f"{what} is a {kinds[0]}, which localbundle cannot run; it runs {', '.join(KINDS)}")
    if nested and kinds[0] in ("for_each_task", "condition_task"):
        raise BundleError(f"{what} is a {kinds[0]} inside a for_each_task; use another kind there")
    fields = {name: value for name, value in raw.items() if name not in _TASK_ASIDE}
    work = dict(fields[kinds[0]] or {})
    if kinds[0] == "for_each_task":
        _refuse_retries(raw, what)
        work["task"] = _task(bundle, job, work.get("task") or {}, nested=True)
    if kinds[0] in FILE_FIELDS and work.get(FILE_FIELDS[kinds[0]]) is not None:
        work[FILE_FIELDS[kinds[0]]] = _file(bundle.root, work[FILE_FIELDS[kinds[0]]], kinds[0], what)
    try:
        return Task.model_validate({**fields, kinds[0]: work})
    except ValidationError as error:
        raise BundleError(f"{what}: {_reason(error)}") from error


def _refuse_retries(raw: Mapping[str, Any], what: str) -> None:
    for name in ("max_retries", "min_retry_interval_millis", "retry_on_timeout"):
        if name in raw:
            raise BundleError(f"{what}: {name} stands on a for_each_task; move it to the nested task")


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{field} cannot be used here; {_fix(str(first['loc'][-1]))}"
    return f"{field}: {first['msg']}; correct the field"


def _fix(field: str) -> str:
    known = [*_JOB_FIELDS, *Task.model_fields]
    hint = closest(field, known)
    return hint if hint.startswith("did you mean") else "remove it"


def source_file(root: Path, written: str, kind: str) -> Path | None:
    """The notebook or Python file that a task of this kind names, if it exists.

    A path is relative to the file it is written in; a notebook's deployed form, without extension, is accepted too.
    """
    path = beside(written, root)
    forms = (path, Path(f"{path}.ipynb"), Path(f"{path}.py")) if kind == "notebook_task" else (path,)
    return next((file for file in forms if file.is_file()), None)


def _file(root: Path, written: str, kind: str, what: str) -> str:
    found = source_file(root, written, kind)
    if found is None:
        thing = "notebook" if kind == "notebook_task" else "file"
        raise BundleError(f"{what}: {thing} {written} does not exist; correct {FILE_FIELDS[kind]}")
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


def _libraries(bundle: Bundle, raw: Mapping[str, Any]) -> Iterator[str]:
    for environment in raw.get("environments") or []:
        for line in (environment.get("spec") or {}).get("dependencies") or []:
            yield _library(bundle.root, line)
    for task in raw.get("tasks") or []:
        nested = (task.get("for_each_task") or {}).get("task") or {}
        for library in [*(task.get("libraries") or []), *(nested.get("libraries") or [])]:
            if library.get("whl"):
                yield _library(bundle.root, library["whl"])
            elif "pypi" in library:
                yield str(library["pypi"].get("package"))


def _library(root: Path, line: str) -> str:
    if not re.search(r"\.whl(\[.*\])?$", line):
        return str(line)
    return str(beside(in_place_of(line, line.split(".whl")[0]), root)) + ".whl"


def _ignored(raw: Mapping[str, Any]) -> Iterator[str]:
    """What of the job's compute a laptop leaves aside, in words."""
    for cluster in raw.get("job_clusters") or []:
        spec = cluster.get("new_cluster") or {}
        gpu = " (GPU)" if "gpu" in f"{spec.get('spark_version')} {spec.get('spark_conf')}" else ""
        yield f"job cluster {cluster.get('job_cluster_key')}{gpu}"
    for environment in raw.get("environments") or []:
        yield f"environment {environment.get('environment_key')}"
