"""Runs a job: its DAG, each task when its dependencies allow it, each notebook in a kernel of its own."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from functools import partial

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import ConditionTask, Job, NotebookTask, Task
from localbundle.errors import BundleError
from localbundle.runs import conditions, values
from localbundle.runs.conditions import State
from localbundle.runs.dbutils import Context, read_state
from localbundle.runs.notebooks import Kernel, KernelPool, execute
from localbundle.runs.record import Recorder, RunRecord, TaskRecord, now, run_state
from localbundle.workspace.guard import guarded
from localbundle.workspace.processes import OWNER_VARIABLE, new_owner
from localbundle.workspace.resources import schema_statements, volume_folders
from localbundle.workspace.server import Server

_WATCH_SECONDS = 2.0


class Runner:
    """One run of one job."""

    def __init__(self, bundle: Bundle, job: Job, recorder: Recorder, progress: Callable[[str], None]) -> None:
        self._bundle, self._job, self._recorder, self._progress = bundle, job, recorder, progress
        self._server = Server(bundle.home)
        self._owner = new_owner()
        self._ended = {task.task_key: asyncio.Event() for task in job.tasks}
        self._places = asyncio.Semaphore(max(2, os.cpu_count() or 1))
        self._statements = schema_statements(bundle)
        self._preparing = asyncio.Lock()

    async def run(self) -> RunRecord:
        """Runs all tasks and returns the final record. Cancelling it cancels the run."""
        self._recorder.update(state="RUNNING")
        with guarded(self._bundle.home, self._owner):
            try:
                async with asyncio.timeout(self._job.timeout_seconds or None):
                    await self._run_tasks()
                state = run_state(self._job, self._recorder.record.tasks)
                self._recorder.update(state=state, ended=now())
            except TimeoutError:
                self._end_open_tasks("TIMEDOUT", f"the job's timeout of {self._job.timeout_seconds} s")
                self._recorder.update(state="TIMEDOUT", ended=now())
            except asyncio.CancelledError:
                self._end_open_tasks("CANCELED", "")
                self._recorder.update(state="CANCELED", ended=now())
            except BaseException:
                self._end_open_tasks("CANCELED", "")
                self._recorder.update(state="FAILED", ended=now())
                raise
        return self._recorder.record

    async def _run_tasks(self) -> None:
        notebooks = sum(task.notebook_task is not None for task in self._job.tasks)
        environment = self._server.environment() | {OWNER_VARIABLE: self._owner}
        self._pool = KernelPool(environment, notebooks, self._recorder.folder / "kernels.log", self._connect)
        try:
            self._remote = asyncio.create_task(self._start_server())
            self._pool.prepare()
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch_server())
                await asyncio.gather(*(group.create_task(self._follow(task)) for task in self._job.tasks))
                watch.cancel()
        except BaseExceptionGroup as group:
            mendable = group.subgroup(BundleError)
            if mendable is None:
                raise
            raise mendable.exceptions[0] from None
        finally:
            await self._close()

    async def _close(self) -> None:
        self._progress("stopping")
        self._server.abandon()
        await self._pool.close()
        # A start that was interrupted still runs in its thread: what it brings up must be taken down again.
        await asyncio.gather(self._remote, return_exceptions=True)
        await asyncio.to_thread(self._server.release)
        self._progress("")

    async def _start_server(self) -> str:
        for folder in volume_folders(self._bundle):
            folder.mkdir(parents=True, exist_ok=True)
        state = await asyncio.to_thread(self._server.use, self._progress, owner=self._owner)
        self._progress("")
        return state.remote

    async def _watch_server(self) -> None:
        """A server that does not start, or dies, ends the run: clients would try to reach it for minutes."""
        await asyncio.shield(self._remote)
        while self._server.state() is not None:
            await asyncio.sleep(_WATCH_SECONDS)
        raise BundleError(f"Spark ended during the run; see {self._server.home}/server.log, then run again")

    async def _follow(self, task: Task) -> None:
        """One task from BLOCKED to its end."""
        key = task.task_key
        try:
            for edge in task.depends_on:
                await self._ended[edge.task_key].wait()
            seen = [self._state_seen(edge.task_key, edge.outcome) for edge in task.depends_on]
            verdict = conditions.verdict(task.run_if, seen)
            if task.disabled:
                self._end(key, "DISABLED", "disabled in the job's definition")
            elif verdict == "RUN":
                return await self._attempt(task)
            else:
                self._end(key, verdict, self._why(task))
            if task.notebook_task is not None:
                self._pool.forgo()
        finally:
            self._ended[key].set()

    def _state_seen(self, key: str, outcome: str | None) -> State:
        """A dependency's state as its dependent sees it: the arm that a condition did not take is excluded."""
        record = self._recorder.record.tasks[key]
        if record.state == "SUCCESS" and outcome is not None and record.outcome != outcome:
            return "EXCLUDED"
        return record.state

    def _why(self, task: Task) -> str:
        told = []
        for edge in task.depends_on:
            record = self._recorder.record.tasks[edge.task_key]
            wanted = edge.outcome is not None and record.outcome not in (None, edge.outcome)
            told.append(f"{edge.task_key} is {record.outcome}" if wanted else f"{edge.task_key} {record.state}")
        return f"{task.run_if}: {', '.join(told)}" if task.run_if != "ALL_SUCCESS" else ", ".join(told)

    async def _attempt(self, task: Task) -> None:
        """Tries until success or until no retries are left."""
        key = task.task_key
        self._recorder.task(key, state="PENDING")
        async with self._places:
            while True:
                record = self._recorder.record.tasks[key]
                tries = record.attempts + 1
                self._recorder.task(key, state="RUNNING", started=record.started or now(), attempts=tries, failure=None)
                began = asyncio.get_running_loop().time()
                state = await self._try(task)
                retries_left = task.max_retries < 0 or tries <= task.max_retries
                retried = state == "FAILED" or (state == "TIMEDOUT" and task.retry_on_timeout)
                if not (retried and retries_left):
                    return self._end(key, state, self._recorder.record.tasks[key].message)
                self._recorder.say(key, f"try {tries} {state}, trying again")
                spent = asyncio.get_running_loop().time() - began
                await asyncio.sleep(max(0.0, task.min_retry_interval_millis / 1000 - spent))

    async def _try(self, task: Task) -> State:
        try:
            async with asyncio.timeout(task.timeout_seconds or None):
                if task.notebook_task is not None:
                    return await self._run_notebook(task, task.notebook_task)
                assert task.condition_task is not None
                return self._run_condition(task.task_key, task.condition_task)
        except TimeoutError:
            self._recorder.say(task.task_key, f"stopped after its timeout of {task.timeout_seconds} s")
            return "TIMEDOUT"
        except BundleError as error:
            self._recorder.say(task.task_key, str(error))
            return "FAILED"

    def _run_condition(self, key: str, condition: ConditionTask) -> State:
        known = self._known(key)
        left, right = values.substitute(condition.left, known), values.substitute(condition.right, known)
        outcome = str(conditions.outcome(condition.op, left, right)).lower()
        self._recorder.task(key, outcome=outcome, message=f"{left} {condition.op} {right}: {outcome}")
        return "SUCCESS"

    async def _run_notebook(self, task: Task, notebook: NotebookTask) -> State:
        key, folder = task.task_key, self._recorder.folder
        known = self._known(key)
        base = {name: values.substitute(text, known) for name, text in notebook.base_parameters.items()}
        context = Context(
            task=key,
            notebook=notebook.notebook_path,
            parameters={**base, **known.parameters},
            run_folder=str(folder.resolve()),
            home=str(self._bundle.home.resolve()),
        )
        self._recorder.say(key, "starting a kernel")
        kernel = await self._pool.take()
        try:
            self._recorder.say(key, "")
            told = partial(self._recorder.say, key)
            through = await execute(kernel, context, folder / f"{key}.ipynb", told)
        finally:
            await self._pool.release(kernel)
        return self._read_end(key, through)

    def _read_end(self, key: str, through: bool) -> State:
        left = read_state(self._recorder.folder, key)
        message = self._recorder.record.tasks[key].message
        self._recorder.task(key, values=left.values, exit=left.exit, message=left.exit or message, failure=left.failure)
        if through or left.exit is not None:
            return "SUCCESS"
        if left.failure is None:
            self._recorder.say(key, f"failed; see {self._recorder.folder / key}.ipynb")
        return "FAILED"

    async def _connect(self, kernel: Kernel) -> None:
        """The first kernel of a run also prepares the workspace, before any other goes on."""
        remote = await asyncio.shield(self._remote)
        async with self._preparing if self._statements else contextlib.nullcontext():
            self._progress("preparing the catalog" if self._statements else "")
            await kernel.call("connect", remote, self._statements)
            self._statements = []
            self._progress("")

    def _known(self, key: str) -> values.Known:
        record = self._recorder.record
        run_id = str(record.run_id)
        job = {"id": self._job.key, "name": self._job.name, "run_id": run_id, "repair_count": "0"}
        first = values.Known(job, {}, record.started or now())
        parameters = {name: values.substitute(text, first) for name, text in record.parameters.items()}
        tasks = {name: _leaves(run_id, task) for name, task in record.tasks.items()}
        ended = {name: task.values for name, task in record.tasks.items() if task.state in conditions.DONE}
        return values.Known(job, parameters, record.started or now(), tasks[key], tasks, ended)

    def _end(self, key: str, state: State, message: str) -> None:
        self._recorder.task(key, state=state, message=message, ended=now())

    def _end_open_tasks(self, state: State, message: str) -> None:
        for key, task in self._recorder.record.tasks.items():
            if task.state not in conditions.DONE:
                self._recorder.task(key, state=state, message=message or task.message, ended=now())


def _leaves(run_id: str, task: TaskRecord) -> dict[str, str]:
    return {
        "name": task.task_key,
        "run_id": f"{run_id}-{task.task_key}",
        "execution_count": str(task.attempts),
        "retry_count": str(max(0, task.attempts - 1)),
        "notebook_path": task.notebook or "",
        "result_state": task.state.lower(),
        "error_code": task.failure.exception if task.failure else "",
    }
