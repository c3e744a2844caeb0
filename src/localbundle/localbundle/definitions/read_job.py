"""A job's definition read as typed values. What localbundle cannot run is refused here, before anything starts."""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import Job
from localbundle.definitions.tasks import KINDS, Task, plain
from localbundle.definitions.yamlfile import absolute_path, error_at, located_like
from localbundle.errors import BundleError, Report, closest, raise_error

CANNOT_RUN, MISSING_FILE, MISPLACED_RETRIES, WRONG_DEPENDENCY = RULES = (
    "cannot-run", "missing-file", "misplaced-retries", "wrong-dependency",
)  # fmt: skip
# Where a task runs, who may see it and whom it notifies: a laptop has one computer and one user.
_IGNORED_TASK_FIELDS = (
    "job_cluster_key", "existing_cluster_id", "new_cluster", "environment_key", "compute", "libraries", "description",
    "email_notifications", "notification_settings", "webhook_notifications", "health",
)  # fmt: skip
_JOB_FIELDS = (
    "name", "tasks", "parameters", "max_concurrent_runs", "queue", "timeout_seconds", "job_clusters", "environments",
    "description", "schedule", "trigger", "continuous", "tags", "format", "edit_mode", "run_as", "permissions",
    "email_notifications", "notification_settings", "webhook_notifications", "health", "budget_policy_id",
    "usage_policy_id", "performance_target", "deployment", "lifecycle",
)  # fmt: skip
RETRY_FIELDS = ("max_retries", "min_retry_interval_millis", "retry_on_timeout")
FILE_FIELDS = {"notebook_task": "notebook_path", "spark_python_task": "python_file"}


def find_job(bundle: Bundle, key: str) -> Job:
    """The job with this resource key, checked and typed; the jobs that it runs are checked too.

    Raises:
        BundleError: the first of `job_errors`.
    """
    job = _read_job(bundle, key, (), raise_error)
    assert job is not None  # without an error there is a job
    return job


def job_errors(bundle: Bundle, key: str) -> list[BundleError]:
    """Why a job, or one that it runs, cannot run here; empty if it can."""
    found: list[BundleError] = []
    _read_job(bundle, key, (), found.append)
    return found


def source_file(root: Path, written: str, kind: str) -> Path | None:
    """The notebook or Python file that a task of this kind names, if it exists.

    A path is relative to the file it is written in; a notebook's deployed form, without extension, is accepted too.
    """
    path = absolute_path(written, root)
    forms = (path, Path(f"{path}.ipynb"), Path(f"{path}.py")) if kind == "notebook_task" else (path,)
    return next((file for file in forms if file.is_file()), None)


def _read_job(bundle: Bundle, key: str, above: tuple[str, ...], report: Report) -> Job | None:
    reader, job = _JobReader(bundle, key, report), None
    try:
        if key in above:
            raise reader.error(key, f"jobs run each other in a cycle: {' -> '.join([*above, key])}; break it")
        job = reader.read()
    except BundleError as error:
        report(error)
    for task in reader.tasks.values():
        if task.work.run_job_task:
            _read_job(bundle, task.work.run_job_task.job_id, (*above, key), report)
    return job


class _JobReader:
    """Reads one job. If `report` returns, it goes on with what it can still read."""

    def __init__(self, bundle: Bundle, key: str, report: Report) -> None:
        self._bundle, self._key, self._report = bundle, key, report
        self._raw: Mapping[str, Any] = bundle.jobs.get(key) or {}
        self.tasks: dict[str, Task] = {}

    def error(self, at: object, message: str, rule: str = CANNOT_RUN) -> BundleError:
        """An error at a string of the definition, or at the job's key if that has no location."""
        error = error_at(at, self._bundle.root, message, self._key, rule)
        written_key = next((name for name in self._bundle.jobs if name == self._key), None)
        return error if error.file else error_at(written_key, self._bundle.root, message, self._key, rule)

    def read(self) -> Job:
        """The job.

        Raises:
            BundleError: an error prevents it from being built.
        """
        if self._key not in self._bundle.jobs:
            raise self.error(None, f"job {self._key} is not in the bundle; {closest(self._key, self._bundle.jobs)}")
        for field in self._raw:
            if field not in _JOB_FIELDS:
                self._report(self.error(field, f"job {self._key}: {field} cannot be used here; {_fix(field)}"))
        written = self._raw.get("tasks") or []
        if not written:
            raise self.error(None, f"job {self._key} has no tasks; add `tasks:` to it")
        for raw in written:
            self._read_task(raw)
        self._check_dependencies(written)
        return self._job([self.tasks[key] for key in self._order() if key in self.tasks])

    def _job(self, tasks: list[Task]) -> Job:
        raw = self._raw
        parameters = {entry["name"]: str(plain(entry.get("default", ""))) for entry in raw.get("parameters") or []}
        try:
            return Job(
                key=self._key,
                name=raw.get("name", self._key),
                tasks=tuple(tasks),
                parameters=parameters,
                max_concurrent_runs=raw.get("max_concurrent_runs", 1),
                queue=bool((raw.get("queue") or {}).get("enabled")),
                timeout_seconds=raw.get("timeout_seconds", 0),
                libraries=tuple(dict.fromkeys(_libraries(self._bundle, raw))),
                ignored=tuple(sorted(_ignored(raw))),
            )
        except ValidationError as error:
            raise self.error(None, f"job {self._key}: {_reason(error)}") from error

    def _read_task(self, raw: Mapping[str, Any]) -> None:
        key = raw["task_key"]
        if key in self.tasks:
            self._report(self.error(key, f"job {self._key} has two tasks with task_key {key}; rename one"))
        try:
            self.tasks[key] = self._task(raw)
        except BundleError as error:
            self._report(error)

    def _task(self, raw: Mapping[str, Any], nested: bool = False) -> Task:
        key = raw.get("task_key")
        what = f"task {key} of job {self._key}"
        kinds = [name for name in raw if name.endswith("_task")]
        if len(kinds) != 1:
            found = ", ".join(kinds) or "none"
            raise self.error(key, f"{what} must have exactly one kind of work, has {found}; correct it")
        kind = kinds[0]
        if kind not in KINDS:
            raise self.error(key, f"{what} is a {kind}, which localbundle cannot run; it runs {', '.join(KINDS)}")
        if nested and kind in ("for_each_task", "condition_task"):
            raise self.error(key, f"{what} is a {kind} inside a for_each_task; use another kind there")
        fields = {name: value for name, value in raw.items() if name not in _IGNORED_TASK_FIELDS}
        try:
            return Task.model_validate({**fields, kind: self._work(raw, kind, what)})
        except ValidationError as error:
            raise self.error(key, f"{what}: {_reason(error)}") from error

    def _work(self, raw: Mapping[str, Any], kind: str, what: str) -> dict[str, Any]:
        """The fields of the task's kind, with absolute paths; of a for-each task, with its nested task."""
        work = dict(raw[kind] or {})
        if kind == "for_each_task":
            for name in RETRY_FIELDS:
                if name in raw:
                    at = next(field for field in raw if field == name)
                    message = f"{what}: {name} is set on a for_each_task; move it to the nested task"
                    self._report(self.error(at, message, MISPLACED_RETRIES))
            work["task"] = self._task(work.get("task") or {}, nested=True)
        field = FILE_FIELDS.get(kind)
        if field and work.get(field) is not None:
            work[field] = self._file(work[field], kind, what)
        return work

    def _file(self, written: str, kind: str, what: str) -> str:
        found = source_file(self._bundle.root, written, kind)
        if found is None:
            thing = "notebook" if kind == "notebook_task" else "file"
            message = f"{what}: {thing} {written} does not exist; create it or correct {FILE_FIELDS[kind]}"
            self._report(self.error(written, message, MISSING_FILE))
            return written
        if found.suffix not in (".ipynb", ".py"):
            self._report(self.error(written, f"{what}: {found.name} is not a Python notebook; use .ipynb or .py"))
        return str(found)

    def _check_dependencies(self, written: list[Mapping[str, Any]]) -> None:
        """As written, since a task that was refused may still be one that others depend on."""
        by_key = {raw["task_key"]: raw for raw in written}
        for raw in written:
            what = f"task {raw['task_key']} of job {self._key}"
            for edge in raw.get("depends_on") or []:
                other, has_outcome = edge["task_key"], edge.get("outcome") is not None
                if other not in by_key:
                    hint = closest(str(other), by_key.keys() - {raw["task_key"]})
                    message = f"{what} depends on {other}, which does not exist; {hint}"
                elif has_outcome and "condition_task" not in by_key[other]:
                    message = f"{what} depends on an outcome of {other}, which is not a condition task; remove outcome"
                elif not has_outcome and "condition_task" in by_key[other]:
                    message = f'{what} depends on condition task {other}; add outcome: "true" or "false"'
                else:
                    continue
                self._report(self.error(other, message, WRONG_DEPENDENCY))

    def _order(self) -> list[str]:
        """The tasks' keys in topological order."""
        edges = {key: [edge.task_key for edge in task.depends_on] for key, task in self.tasks.items()}
        try:
            return list(TopologicalSorter(edges).static_order())
        except CycleError as error:
            cycle = " -> ".join(error.args[1])
            self._report(self.error(None, f"job {self._key}: dependency cycle {cycle}; break it"))
            return list(self.tasks)


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{field} cannot be used here; {_fix(str(first['loc'][-1]))}"
    return f"{field}: {first['msg']}; correct the field"


def _fix(field: str) -> str:
    hint = closest(field, [*_JOB_FIELDS, *Task.model_fields])
    return hint if hint.startswith("did you mean") else "remove it"


def _libraries(bundle: Bundle, raw: Mapping[str, Any]) -> Iterator[str]:
    for environment in raw.get("environments") or []:
        for line in (environment.get("spec") or {}).get("dependencies") or []:
            yield _library(bundle.root, line)
    for task in raw.get("tasks") or []:
        nested = (task.get("for_each_task") or {}).get("task") or {}
        for library in [*(task.get("libraries") or []), *(nested.get("libraries") or [])]:
            if library.get("whl"):
                yield _library(bundle.root, library["whl"])
            elif library.get("pypi"):
                yield str(library["pypi"].get("package"))


def _library(root: Path, line: str) -> str:
    if not re.search(r"\.whl(\[.*\])?$", line):
        return str(line)
    return str(absolute_path(located_like(line, line.split(".whl")[0]), root)) + ".whl"


def _ignored(raw: Mapping[str, Any]) -> Iterator[str]:
    """Descriptions of the job's compute, which a laptop ignores."""
    for cluster in raw.get("job_clusters") or []:
        spec = cluster.get("new_cluster") or {}
        gpu = " (GPU)" if "gpu" in f"{spec.get('spark_version')} {spec.get('spark_conf')}" else ""
        yield f"job cluster {cluster.get('job_cluster_key')}{gpu}"
    for environment in raw.get("environments") or []:
        yield f"environment {environment.get('environment_key')}"
