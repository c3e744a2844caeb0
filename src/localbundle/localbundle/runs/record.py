"""The record of a run, `.localbundle/TARGET/runs/ID/run.json`, and its folder."""

import contextlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from localbundle.definitions.jobs import Job
from localbundle.definitions.tasks import Task
from localbundle.errors import BundleError
from localbundle.kernels.failure import Failure
from localbundle.kernels.output import Output
from localbundle.runs.conditions import FAILURES, State
from localbundle.workspace.processes import create_time, is_alive

KEPT: frozenset[State] = frozenset({"SUCCESS", "EXCLUDED", "DISABLED"})
RunState = Literal[
    "QUEUED", "RUNNING", "SUCCESS", "SUCCESS_WITH_FAILURES", "FAILED", "TIMEDOUT", "CANCELED", "INTERRUPTED"
]


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class _Timed(BaseModel):
    model_config = ConfigDict(frozen=True)

    started: datetime | None = None
    ended: datetime | None = None

    @property
    def seconds(self) -> float:
        """Duration so far, or in total, in seconds."""
        return ((self.ended or now()) - self.started).total_seconds() if self.started else 0.0


class TaskRecord(_Timed):
    """One task of a run, or one iteration of a for-each task.

    Attributes:
        task_key: the task's key, unique in the run; KEY.NUMBER for an iteration.
        kind: the field of its work, such as "notebook_task".
        depends_on: the keys of its dependencies.
        parent: the for-each task of an iteration.
        state: its state.
        message: the last line that it printed, or why it did not run.
        attempts: how often it was started.
        source: the notebook, file, entry point or job that it runs.
        child_run: the id of the run that a run_job_task started.
        outcome: "true" or "false" of a condition task.
        exit: the value of `dbutils.notebook.exit`.
        failure: why it failed, if its code did.
        values: the task values that it has set.
        output: the rows of a SQL task.
    """

    task_key: str
    kind: str
    depends_on: tuple[str, ...] = ()
    parent: str | None = None
    state: State = "BLOCKED"
    message: str = ""
    attempts: int = 0
    source: str | None = None
    child_run: int | None = None
    outcome: str | None = None
    exit: str | None = None
    failure: Failure | None = None
    values: dict[str, Any] = {}
    output: Output | None = None


class RunRecord(_Timed):
    """One run of a job."""

    run_id: int
    job: str
    name: str
    target: str
    parameters: dict[str, str]
    state: RunState = "QUEUED"
    pid: int
    process_started: float
    repairs: int = 0
    tasks: dict[str, TaskRecord]

    @property
    def own_tasks(self) -> dict[str, TaskRecord]:
        """The job's tasks, without the iterations of for-each tasks."""
        return {key: task for key, task in self.tasks.items() if task.parent is None}

    def seen(self) -> "RunRecord":
        """The record as of now: a running one whose process is gone was interrupted."""
        if self.state in ("RUNNING", "QUEUED") and not is_alive(self.pid, self.process_started):
            return self.model_copy(update={"state": "INTERRUPTED"})
        return self


class Recorder:
    """Keeps the current record, writes every change to run.json and calls a listener."""

    def __init__(self, folder: Path, record: RunRecord, listener: Callable[[RunRecord], None]) -> None:
        self.folder, self.record, self._listener = folder, record, listener
        self.update()

    def update(self, **changes: object) -> None:
        """Changes fields of the run."""
        self.record = self.record.model_copy(update=changes)
        draft = self.folder / "run.json.tmp"
        draft.write_text(self.record.model_dump_json(indent=2), "utf-8")
        draft.replace(self.folder / "run.json")
        self._listener(self.record)

    def task(self, key: str, **changes: object) -> None:
        """Changes fields of a task."""
        task = self.record.tasks[key].model_copy(update=changes)
        self.update(tasks={**self.record.tasks, key: task})

    def add_task(self, task: TaskRecord) -> None:
        """Adds or replaces a task: an iteration of a for-each task is known only when that task runs."""
        self.update(tasks={**self.record.tasks, task.task_key: task})

    def show_message(self, key: str, message: str) -> None:
        """Shows a task's last printed line; it is written to the file with the next change of state."""
        task = self.record.tasks[key].model_copy(update={"message": message})
        self.record = self.record.model_copy(update={"tasks": {**self.record.tasks, key: task}})
        self._listener(self.record)


def new_run(home: Path, target: str, job: Job, parameters: dict[str, str]) -> tuple[Path, RunRecord]:
    """Creates the folder of a new run; ids count up from 1 in each target."""
    runs = home / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    run_id = max((int(folder.name) for folder in runs.iterdir() if folder.name.isdigit()), default=0)
    while True:
        run_id += 1
        with contextlib.suppress(FileExistsError):
            (runs / str(run_id)).mkdir()
            break
    record = RunRecord(
        run_id=run_id,
        job=job.key,
        name=job.name,
        target=target,
        parameters=parameters,
        started=now(),
        pid=os.getpid(),
        process_started=create_time(os.getpid()),
        tasks={task.task_key: blocked(task) for task in job.tasks},
    )
    return runs / str(run_id), record


def blocked(task: Task, key: str | None = None, parent: str | None = None) -> TaskRecord:
    """The record of a task that waits; an iteration has a `key` and a `parent`."""
    return TaskRecord(
        task_key=key or task.task_key,
        kind=task.kind,
        depends_on=tuple(edge.task_key for edge in task.depends_on),
        parent=parent,
        source=_source(task.work),
    )


def _source(task: Task) -> str | None:
    if task.notebook_task:
        return task.notebook_task.notebook_path
    if task.sql_task:
        return task.sql_task.file.path
    if task.spark_python_task:
        return task.spark_python_task.python_file
    if task.python_wheel_task:
        return f"{task.python_wheel_task.package_name}:{task.python_wheel_task.entry_point}"
    return task.run_job_task.job_id if task.run_job_task else None


def repaired(record: RunRecord, job: Job) -> RunRecord:
    """The record of a run to be repaired: successful tasks are kept; all others, and their dependents, wait."""
    kept: dict[str, TaskRecord] = {}
    unchanged: set[str | None] = set()  # tasks with the same inputs as before: their successful iterations are kept
    for task in job.tasks:  # in topological order
        old = record.tasks[task.task_key]
        if all(key in kept for key in old.depends_on):
            unchanged.add(task.task_key)
            if old.state in KEPT:
                kept[task.task_key] = old
    tasks = {task.task_key: kept.get(task.task_key) or blocked(task) for task in job.tasks}
    iterations = {key: old for key, old in record.tasks.items() if old.parent in unchanged and old.state in KEPT}
    return record.model_copy(
        update={
            "state": "QUEUED",
            "started": now(),
            "ended": None,
            "pid": os.getpid(),
            "process_started": create_time(os.getpid()),
            "repairs": record.repairs + 1,
            "tasks": tasks | iterations,
        }
    )


def read_run(home: Path, run_id: int) -> RunRecord:
    """The record of an earlier run.

    Raises:
        BundleError: there is no such run.
    """
    file = home / "runs" / str(run_id) / "run.json"
    if not file.is_file():
        raise BundleError(f"run {run_id} does not exist in target {home.name}; list the runs with `localbundle runs`")
    return RunRecord.model_validate_json(file.read_text("utf-8")).seen()


def list_runs(home: Path) -> list[RunRecord]:
    """All runs of a target, the newest first."""
    folders = (home / "runs").iterdir() if (home / "runs").is_dir() else ()
    ids = sorted((int(folder.name) for folder in folders if (folder / "run.json").is_file()), reverse=True)
    return [read_run(home, run_id) for run_id in ids]


def run_state(job: Job, tasks: dict[str, TaskRecord]) -> RunState:
    """The state of a finished run: that of its leaf tasks; a success with failures if only inner tasks failed."""
    inner = {edge.task_key for task in job.tasks for edge in task.depends_on}
    leaves = [record.state for key, record in tasks.items() if key not in inner and record.parent is None]
    if any(state in FAILURES for state in leaves):
        return "FAILED"
    return "SUCCESS_WITH_FAILURES" if any(task.state in FAILURES for task in tasks.values()) else "SUCCESS"
