"""The record of a run: what `.localbundle/TARGET/runs/ID/run.json` holds, and the folder around it."""

import contextlib
import fcntl
import getpass
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import BaseModel, ConfigDict

from localbundle.definitions.jobs import Job
from localbundle.errors import BundleError
from localbundle.runs.conditions import FAILURES, State
from localbundle.runs.failure import Failure
from localbundle.workspace.processes import create_time, is_alive

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
        """Duration so far or in all, in seconds."""
        return ((self.ended or now()) - self.started).total_seconds() if self.started else 0.0


class TaskRecord(_Timed):
    """One task of a run. `message` is what it printed last, or why it did not run."""

    task_key: str
    kind: str
    state: State = "BLOCKED"
    message: str = ""
    attempts: int = 0
    notebook: str | None = None
    outcome: str | None = None
    exit: str | None = None
    failure: Failure | None = None
    values: dict[str, Any] = {}


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
    tasks: dict[str, TaskRecord]

    def seen(self) -> "RunRecord":
        """The record as it is now: one that says RUNNING although its process is gone was interrupted."""
        if self.state in ("RUNNING", "QUEUED") and not is_alive(self.pid, self.process_started):
            return self.model_copy(update={"state": "INTERRUPTED"})
        return self


class Recorder:
    """Holds the current record, writes every change to run.json and tells a listener."""

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

    def say(self, key: str, message: str) -> None:
        """Shows a task's latest printed line; it reaches the file with the next change of state."""
        task = self.record.tasks[key].model_copy(update={"message": message})
        self.record = self.record.model_copy(update={"tasks": {**self.record.tasks, key: task}})
        self._listener(self.record)


def new_run(home: Path, target: str, job: Job, parameters: dict[str, str]) -> tuple[Path, RunRecord]:
    """Makes the folder of a new run; ids count up from 1 in each target."""
    runs = home / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    run_id = max((int(folder.name) for folder in runs.iterdir() if folder.name.isdigit()), default=0)
    while True:
        run_id += 1
        with contextlib.suppress(FileExistsError):
            (runs / str(run_id)).mkdir()
            break
    tasks = {
        task.task_key: TaskRecord(
            task_key=task.task_key,
            kind="notebook" if task.notebook_task else "condition",
            notebook=task.notebook_task.notebook_path if task.notebook_task else None,
        )
        for task in job.tasks
    }
    record = RunRecord(
        run_id=run_id,
        job=job.key,
        name=job.name,
        target=target,
        parameters=parameters,
        started=now(),
        pid=os.getpid(),
        process_started=create_time(os.getpid()),
        tasks=tasks,
    )
    return runs / str(run_id), record


def read_run(home: Path, run_id: int) -> RunRecord:
    """The record of an earlier run.

    Raises:
        BundleError: there is no such run.
    """
    file = home / "runs" / str(run_id) / "run.json"
    if not file.is_file():
        raise BundleError(f"run {run_id} does not exist in target {home.name}; `localbundle runs` lists those that do")
    return RunRecord.model_validate_json(file.read_text("utf-8")).seen()


def list_runs(home: Path) -> list[RunRecord]:
    """All runs of a target, the newest first."""
    folders = (home / "runs").iterdir() if (home / "runs").is_dir() else ()
    ids = sorted((int(folder.name) for folder in folders if (folder / "run.json").is_file()), reverse=True)
    return [read_run(home, run_id) for run_id in ids]


def run_state(job: Job, tasks: dict[str, TaskRecord]) -> RunState:
    """The state of a finished run: that of its leaf tasks; failures further up are told beside a success."""
    inner = {edge.task_key for task in job.tasks for edge in task.depends_on}
    leaves = [record.state for key, record in tasks.items() if key not in inner]
    if any(state in FAILURES for state in leaves):
        return "FAILED"
    return "SUCCESS_WITH_FAILURES" if any(task.state in FAILURES for task in tasks.values()) else "SUCCESS"


@contextlib.contextmanager
def job_slot(home: Path, job: Job, run_id: int, waiting: Callable[[str], None]) -> Iterator[None]:
    """Holds one of the job's `max_concurrent_runs` places; with `queue` enabled waits for one.

    Raises:
        BundleError: all are taken and the job does not queue.
    """
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    files = [(folder / f"{job.key}.{number}.lock").open("a+") for number in range(job.max_concurrent_runs)]
    try:
        if not any(_try_lock(file, run_id) for file in files):
            holder = _holder(files[0])
            if not job.queue:
                raise BundleError(
                    f"job {job.key} runs already ({holder}) and max_concurrent_runs is {job.max_concurrent_runs}; "
                    "wait for it, or set queue.enabled"
                )
            waiting(f"queued behind {holder}")
            fcntl.flock(files[0], fcntl.LOCK_EX)
            _sign(files[0], run_id)
        yield
    finally:
        for file in files:
            file.close()


def _try_lock(file: IO[str], run_id: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    _sign(file, run_id)
    return True


def _sign(file: IO[str], run_id: int) -> None:
    file.truncate(0)
    file.write(f"run {run_id} of {getpass.getuser()} since {datetime.now():%Y-%m-%d %H:%M:%S}, pid {os.getpid()}")
    file.flush()


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read() or "another run"
