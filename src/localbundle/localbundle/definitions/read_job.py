"""A job's definition read as typed values. What localbundle cannot run is found here, before anything starts."""

import os
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import Job, chosen_tasks
from localbundle.definitions.sql_file import read_statements
from localbundle.definitions.tasks import KINDS, Task, plain
from localbundle.definitions.yamlfile import absolute_path, error_at
from localbundle.errors import BundleError, Report, closest, raise_error

WRONG_DEFINITION, CANNOT_RUN, MISSING_FILE, WRONG_FILE, MISPLACED_RETRIES, WRONG_DEPENDENCY, NO_VALUE = RULES = (
    "wrong-definition", "cannot-run", "missing-file", "wrong-file", "misplaced-retries", "wrong-dependency", "no-value",
)  # fmt: skip
# Where a task runs, who may see it and whom it notifies: a laptop has one computer and one user.
_IGNORED_TASK_FIELDS = (
    "job_cluster_key", "existing_cluster_id", "new_cluster", "environment_key", "compute", "libraries", "description",
    "email_notifications", "notification_settings", "webhook_notifications", "health", "environment_variables_key",
)  # fmt: skip
_USED_JOB_FIELDS = ("name", "parameters", "max_concurrent_runs", "queue", "timeout_seconds", "environments")
RETRY_FIELDS = ("max_retries", "min_retry_interval_millis", "retry_on_timeout")
_NOTEBOOK = "Databricks notebook source"
_COMMENTS = {".py": "#", ".r": "#", ".scala": "//", ".sql": "--"}
FILE_FIELDS = {"notebook_task": "notebook_path", "spark_python_task": "python_file"}
_OF_A_WORKSPACE = {
    "query": "a saved query; write its text into a .sql file and name that in `file`",
    "dashboard": "a dashboard; refresh it on Databricks",
    "alert": "an alert; evaluate it on Databricks",
}
"""What a sql_task may be instead of a file."""


def find_job(bundle: Bundle, key: str, only: str | None = None) -> Job:
    """The job with this resource key, checked and typed; the jobs that it runs are checked too.

    Args:
        bundle: the bundle.
        key: the job's key.
        only: the tasks that are wanted, as `--only` names them; what is wrong with others does not matter.

    Raises:
        BundleError: the first of `job_errors`.
    """
    job = _read_job(bundle, key, (), raise_error, only)
    assert job is not None  # without an error there is a job
    return job


def job_errors(bundle: Bundle, key: str) -> list[BundleError]:
    """Why a job, or one that it runs, cannot run here; empty if it can."""
    found: list[BundleError] = []
    _read_job(bundle, key, (), found.append)
    return found


def source_file(root: Path, written: str, kind: str) -> Path | None:
    """The notebook or Python file that a task of this kind names, if it exists.

    A path is relative to the file it is written in. A path below the bundle's deployed files, which are its own folder
    here, may be a notebook's deployed form, without extension.
    """
    path = absolute_path(written, root)
    is_deployed = kind == "notebook_task" and written.startswith("/")
    forms = (path, Path(f"{path}.ipynb"), Path(f"{path}.py")) if is_deployed else (path,)
    return next((file for file in forms if file.is_file()), None)


def is_notebook(file: Path) -> bool:
    """Whether a file is a notebook: .ipynb, or source code that begins with the line that exports write."""
    if file.suffix.lower() == ".ipynb":
        return True
    mark = _COMMENTS.get(file.suffix.lower())
    with file.open("rb") as content:
        return mark is not None and content.readline(64).rstrip(b"\r\n") == f"{mark} {_NOTEBOOK}".encode()


def _read_job(bundle: Bundle, key: str, above: tuple[str, ...], report: Report, only: str | None = None) -> Job | None:
    reader, job = _JobReader(bundle, key, report), None
    try:
        if key in above:
            raise reader.error(key, f"jobs run each other in a cycle: {' -> '.join([*above, key])}; break it")
        job = reader.read(only)
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

    def error(self, at: object, message: str, rule: str = WRONG_DEFINITION) -> BundleError:
        """An error at a string of the definition, or at the job's key if that has no location."""
        error = error_at(at, self._bundle.root, message, self._key, rule)
        written_key = next((name for name in self._bundle.jobs if name == self._key), None)
        return error if error.file else error_at(written_key, self._bundle.root, message, self._key, rule)

    def read(self, only: str | None = None) -> Job:
        """The job, or the part of it that `only` names.

        Raises:
            BundleError: an error prevents it from being built.
        """
        if self._key not in self._bundle.jobs:
            raise self.error(None, f"job {self._key} is not in the bundle; {closest(self._key, self._bundle.jobs)}")
        self._check_faults({name: self._raw.get(name) for name in _USED_JOB_FIELDS})
        written = self._written(only)
        for raw in written:
            self._read_task(raw)
        self._check_dependencies(written)
        return self._job([self.tasks[key] for key in self._order() if key in self.tasks])

    def _written(self, only: str | None) -> list[Mapping[str, Any]]:
        """The tasks as written, without those that are not wanted."""
        written: list[Mapping[str, Any]] = []
        for raw in self._raw.get("tasks") or []:
            if isinstance(raw.get("task_key"), str):
                written.append(raw)
            else:
                self._report(self.error(None, f"job {self._key} has a task without task_key; add one"))
        if not written:
            raise self.error(None, f"job {self._key} has no tasks; add `tasks:` to it", CANNOT_RUN)
        if only is None:
            return written
        edges = {raw["task_key"]: {str(edge.get("task_key")) for edge in _edges(raw)} for raw in written}
        wanted = chosen_tasks(self._key, {key: names & edges.keys() for key, names in edges.items()}, only)
        return [
            {**raw, "depends_on": [edge for edge in _edges(raw) if edge.get("task_key") in wanted]}
            for raw in written
            if raw["task_key"] in wanted
        ]

    def _check_faults(self, part: Mapping[str, Any]) -> None:
        fault = self._bundle.fault_in(dict(part))
        if fault is not None:
            self._report(BundleError(fault.message, fault.file, fault.line, self._key, fault.rule))

    def _job(self, tasks: list[Task]) -> Job:
        raw = self._raw
        named = [entry for entry in raw.get("parameters") or [] if isinstance(entry, dict) and "name" in entry]
        parameters = {entry["name"]: str(plain(entry.get("default", ""))) for entry in named}
        try:
            return Job(
                key=self._key,
                name=raw.get("name", self._key),
                tasks=tuple(tasks),
                parameters=parameters,
                max_concurrent_runs=raw.get("max_concurrent_runs", 1),
                queue=bool((raw.get("queue") or {}).get("enabled")),
                timeout_seconds=raw.get("timeout_seconds", 0),
                ignored=tuple(sorted(_ignored(raw))),
            )
        except ValidationError as error:
            raise self._field_error(None, f"job {self._key}", error) from error

    def _read_task(self, raw: Mapping[str, Any]) -> None:
        try:
            used = {name: value for name, value in raw.items() if name not in _IGNORED_TASK_FIELDS}
            self._check_faults(_without_warehouse(used))
            self.tasks[raw["task_key"]] = self._task(raw)
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
            message = f"{what} is a {kind}, which localbundle cannot run; it runs {', '.join(KINDS)}"
            raise self.error(key, message, CANNOT_RUN)
        if nested and kind in ("for_each_task", "condition_task"):
            raise self.error(key, f"{what} is a {kind} inside a for_each_task; use another kind there")
        fields = {name: value for name, value in raw.items() if name not in _IGNORED_TASK_FIELDS}
        try:
            return Task.model_validate({**fields, kind: self._work(raw, kind, what)})
        except ValidationError as error:
            raise self._field_error(key, what, error) from error

    def _field_error(self, key: object, what: str, error: ValidationError) -> BundleError:
        """A field that tasks have on Databricks and not here is not a mistake."""
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            return self.error(key, f"{what}: {field} has no effect on a laptop; run it on Databricks", CANNOT_RUN)
        return self.error(key, f"{what}: {field}: {first['msg']}; correct the field")

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
        if kind == "sql_task":
            return self._sql(raw, what)
        field = FILE_FIELDS.get(kind)
        if field and work.get(field) is not None:
            work[field] = self._file(work[field], kind, what, work.get("source"))
        return work

    def _sql(self, raw: Mapping[str, Any], what: str) -> dict[str, Any]:
        work = raw["sql_task"] or {}
        kinds = [name for name in work if name in ("file", *_OF_A_WORKSPACE) and work[name] is not None]
        if len(kinds) != 1:
            found = ", ".join(kinds) or "none"
            message = f"{what} must have exactly one of file, query, dashboard and alert, has {found}; correct it"
            raise self.error(raw.get("task_key"), message)
        if kinds != ["file"]:
            raise self.error(kinds[0], f"{what} is {_OF_A_WORKSPACE[kinds[0]]}", CANNOT_RUN)
        file = dict(work["file"])
        if file.get("path") is not None:
            file["path"] = self._file(file["path"], "sql_task", what, file.get("source"))
            self._check_sql(Path(file["path"]), work.get("parameters") or {}, what)
        return {"file": file, "parameters": work.get("parameters") or {}}

    def _check_sql(self, path: Path, values: Mapping[str, Any], what: str) -> None:
        """That the file can be read, that its statements run here, and that each parameter in them has a value."""
        root = self._bundle.root
        file = str(path.relative_to(root) if path.is_relative_to(root) else path)
        try:
            statements = read_statements(path)
        except BundleError as error:
            raise BundleError(f"{what}: {error.message}", file, error.line, self._key, WRONG_FILE) from error
        for one in statements:
            if one.not_here:
                self._report(BundleError(f"{what}: {one.not_here}", file, one.line, self._key, CANNOT_RUN))
        known = {*values, *(entry.get("name") for entry in self._raw.get("parameters") or [])}
        first = {one.name: one.line for one in reversed([one for each in statements for one in each.parameters])}
        for name in sorted(first.keys() - known):
            message = f"{what} has no value for parameter {name}; add it to the task's parameters or the job's"
            self._report(BundleError(message, file, first[name], self._key, NO_VALUE))

    def _file(self, written: str, kind: str, what: str, source: object) -> str:
        if source == "GIT" or (source is None and self._raw.get("git_source")):
            raise self.error(written, f"{what} runs code of git_source, which a laptop does not fetch", CANNOT_RUN)
        thing, root = ("notebook" if kind == "notebook_task" else "file"), self._bundle.root
        is_remote = written.startswith("/") and not Path(written).is_relative_to(root)
        if is_remote or re.match(r"[A-Za-z]\w+:", written):
            raise self.error(
                written, f"{what}: {thing} {written} is not part of the bundle; a laptop cannot run it", CANNOT_RUN
            )
        found = source_file(root, written, kind)
        if found is None:
            raise self._missing(written, kind, thing, what)
        self._check_file(found, written, kind, what)
        return str(found)

    def _missing(self, written: str, kind: str, thing: str, what: str) -> BundleError:
        path = absolute_path(written, self._bundle.root)
        forms = [suffix for suffix in (".py", ".ipynb", ".sql", ".scala", ".r") if Path(f"{path}{suffix}").is_file()]
        fix = f"create it or correct {FILE_FIELDS.get(kind, 'file.path')}"
        if kind == "notebook_task" and not path.suffix and forms:
            fix = f"did you mean {written}{forms[0]}?"
        return self.error(written, f"{what}: {thing} {written} does not exist; {fix}", MISSING_FILE)

    def _check_file(self, found: Path, written: str, kind: str, what: str) -> None:
        if not found.is_relative_to(os.path.abspath(self._bundle.root)) and not self._syncs_more():
            message = (
                f"{what}: {written} is outside the bundle's folder; move it there, or add its folder to sync.paths"
            )
            self._report(self.error(written, message, WRONG_FILE))
        if kind != "notebook_task" and is_notebook(found):
            self._report(self.error(written, f"{what}: {written} is a notebook; run it as a notebook_task", WRONG_FILE))
        elif kind == "notebook_task" and not is_notebook(found):
            message = (
                f"{what}: {written} is not a notebook; begin it with `# {_NOTEBOOK}`, or run it as a spark_python_task"
            )
            self._report(self.error(written, message, WRONG_FILE))
        elif kind != "sql_task" and found.suffix not in (".ipynb", ".py"):
            message = f"{what}: {found.name} is not a Python notebook; a laptop runs .ipynb and .py"
            raise self.error(written, message, CANNOT_RUN)

    def _syncs_more(self) -> bool:
        paths = (self._bundle.config.get("sync") or {}).get("paths") or []
        return any(str(path).startswith("..") for path in paths)

    def _check_dependencies(self, written: list[Mapping[str, Any]]) -> None:
        """As written, since a task that was refused may still be one that others depend on."""
        by_key = {raw["task_key"]: raw for raw in written}
        for raw in written:
            what = f"task {raw['task_key']} of job {self._key}"
            for edge in _edges(raw):
                other, has_outcome = edge.get("task_key"), edge.get("outcome") is not None
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
            self._report(self.error(None, f"job {self._key}: dependency cycle {cycle}; break it", WRONG_DEPENDENCY))
            return list(self.tasks)


def _without_warehouse(task: Mapping[str, Any]) -> dict[str, Any]:
    """A task without the SQL warehouse that it names, which a laptop does not use, also inside a for-each task."""
    used = dict(task)
    if isinstance(used.get("sql_task"), dict):
        used["sql_task"] = {name: value for name, value in used["sql_task"].items() if name != "warehouse_id"}
    loop = used.get("for_each_task")
    if isinstance(loop, dict) and isinstance(loop.get("task"), dict):
        used["for_each_task"] = {**loop, "task": _without_warehouse(loop["task"])}
    return used


def _edges(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [edge for edge in raw.get("depends_on") or [] if isinstance(edge, dict)]


def _ignored(raw: Mapping[str, Any]) -> Iterator[str]:
    """Descriptions of the job's compute, which a laptop ignores."""
    for cluster in raw.get("job_clusters") or []:
        spec = cluster.get("new_cluster") or {}
        gpu = " (GPU)" if "gpu" in f"{spec.get('spark_version')} {spec.get('spark_conf')}" else ""
        yield f"job cluster {cluster.get('job_cluster_key')}{gpu}"
