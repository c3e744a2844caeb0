"""Runs a job: its DAG, each task when its dependencies allow it, its retries, and each kind of work."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import Job, job_parameters
from localbundle.definitions.read_job import find_job
from localbundle.definitions.tasks import ConditionTask, ForEachTask, RunJobTask, Task
from localbundle.errors import BundleError
from localbundle.packages.prepare import TaskEnvironments
from localbundle.runs import conditions, dynamic_values
from localbundle.runs.concurrency import job_slot
from localbundle.runs.conditions import State
from localbundle.runs.html import write_run_page
from localbundle.runs.parameter_checks import check_parameters
from localbundle.runs.record import Recorder, RunRecord, RunState, TaskRecord, blocked, new_run, now, run_state
from localbundle.runs.resources import RunResources, works_in_kernel
from localbundle.workspace.cleanup_guard import guarded
from localbundle.workspace.processes import new_owner


class Runner:
    """One run of one job, or one repair: tasks that have ended according to the record are kept."""

    def __init__(
        self,
        bundle: Bundle,
        job: Job,
        environments: TaskEnvironments,
        recorder: Recorder,
        progress: Callable[[str], None],
    ) -> None:
        self._bundle, self._job, self._recorder, self._progress = bundle, job, recorder, progress
        self._environments = environments
        self._owner = new_owner()
        self._ended = {task.task_key: asyncio.Event() for task in job.tasks}
        self._inputs: dict[str, Any] = {}
        # A run of only conditions and other jobs needs no Spark and leaves no process behind.
        self._in_kernels = any(works_in_kernel(task.work) for task in job.tasks)

    async def run(self) -> RunRecord:
        """Runs all tasks and returns the final record. Canceling it cancels the run."""
        try:
            await self._run()
        finally:
            write_run_page(self._recorder.folder, self._recorder.record)
        return self._recorder.record

    async def _run(self) -> None:
        try:
            with self._guard():
                async with job_slot(self._bundle.home, self._job, self._recorder.record.run_id, self._progress):
                    self._recorder.update(state="RUNNING")
                    async with asyncio.timeout(self._job.timeout_seconds or None):
                        await self._run_tasks()
            self._finish(run_state(self._job, self._recorder.record.tasks), "")
        except TimeoutError:
            self._finish("TIMEDOUT", f"the job's timeout of {self._job.timeout_seconds} s", "TIMEDOUT")
        except asyncio.CancelledError:
            self._finish("CANCELED", "", "CANCELED")
        except BaseException:
            self._finish("FAILED", "", "CANCELED")
            raise

    def _guard(self) -> contextlib.AbstractContextManager[None]:
        return guarded(self._bundle.home, self._owner) if self._in_kernels else contextlib.nullcontext()

    def _finish(self, state: RunState, message: str, open_tasks: State = "CANCELED") -> None:
        for key in self._recorder.record.tasks:
            self._close(key, open_tasks, message)
        self._recorder.update(state=state, ended=now())

    async def _run_tasks(self) -> None:
        resources = RunResources(
            self._bundle, self._job, self._environments, self._recorder, self._progress, self._owner
        )
        try:
            async with resources if self._in_kernels else contextlib.nullcontext(), asyncio.TaskGroup() as group:
                self._resources = resources
                watch = group.create_task(resources.watch_server()) if self._in_kernels else None
                await asyncio.gather(*(group.create_task(self._run_task(task)) for task in self._job.tasks))
                if watch:
                    watch.cancel()
        except BaseExceptionGroup as group:
            fixable = group.subgroup(BundleError)
            if fixable is None:
                raise
            raise fixable.exceptions[0] from None

    async def _run_task(self, task: Task) -> None:
        """Runs one task from BLOCKED to its end."""
        key = task.task_key
        try:
            for edge in task.depends_on:
                await self._ended[edge.task_key].wait()
            if self._recorder.record.tasks[key].state not in conditions.DONE:
                states = [self._dependency_state(edge.task_key, edge.outcome) for edge in task.depends_on]
                verdict = conditions.verdict(task.run_if, states)
                if task.disabled:
                    self._end(key, "DISABLED", "disabled in the job's definition")
                elif verdict == "RUN":
                    return await self._attempt(task, key)
                else:
                    self._end(key, verdict, self._reason(task))
            if works_in_kernel(task):
                self._resources.expect(key, -1)
        finally:
            self._ended[key].set()

    def _dependency_state(self, key: str, outcome: str | None) -> State:
        """A dependency's state for its dependent: the branch that a condition did not take is excluded."""
        record = self._recorder.record.tasks[key]
        if record.state == "SUCCESS" and outcome is not None and record.outcome != outcome:
            return "EXCLUDED"
        return record.state

    def _reason(self, task: Task) -> str:
        """Why a task did not run: the states of its dependencies."""
        reasons = []
        for edge in task.depends_on:
            record = self._recorder.record.tasks[edge.task_key]
            differs = edge.outcome is not None and record.outcome not in (None, edge.outcome)
            reasons.append(f"{edge.task_key} is {record.outcome}" if differs else f"{edge.task_key} {record.state}")
        return f"{task.run_if}: {', '.join(reasons)}" if task.run_if != "ALL_SUCCESS" else ", ".join(reasons)

    async def _attempt(self, task: Task, key: str) -> None:
        """Runs a task until it succeeds or no retries are left."""
        self._recorder.task(key, state="PENDING")
        async with self._resources.slots if works_in_kernel(task) else contextlib.nullcontext():
            while True:
                record = self._recorder.record.tasks[key]
                attempt = record.attempts + 1
                self._recorder.task(
                    key, state="RUNNING", started=record.started or now(), attempts=attempt, failure=None
                )
                began = asyncio.get_running_loop().time()
                state = await self._try(task, key)
                retries_left = task.max_retries < 0 or attempt <= task.max_retries
                retried = state == "FAILED" or (state == "TIMEDOUT" and task.retry_on_timeout)
                if not (retried and retries_left):
                    return self._end(key, state, self._recorder.record.tasks[key].message)
                self._recorder.show_message(key, f"attempt {attempt} {state}, retrying")
                spent = asyncio.get_running_loop().time() - began
                await asyncio.sleep(max(0.0, task.min_retry_interval_millis / 1000 - spent))

    async def _try(self, task: Task, key: str) -> State:
        try:
            async with asyncio.timeout(task.timeout_seconds or None):
                return await self._work(task, key)
        except TimeoutError:
            self._recorder.show_message(key, f"stopped after its timeout of {task.timeout_seconds} s")
            return "TIMEDOUT"
        except BundleError as error:
            self._recorder.show_message(key, str(error))
            return "FAILED"

    async def _work(self, task: Task, key: str) -> State:
        known = self._known(key)
        if task.notebook_task:
            base = _substituted(task.notebook_task.base_parameters, known)
            return await self._resources.run_notebook(key, task.notebook_task, {**base, **known.parameters})
        if task.sql_task:
            own = _substituted(task.sql_task.parameters, known)
            return await self._resources.run_sql(key, task.sql_task, {**own, **known.parameters})
        if task.for_each_task:
            return await self._run_for_each(key, task.for_each_task, known)
        if task.run_job_task:
            return await self._run_job(key, task.run_job_task, known)
        if task.condition_task:
            return self._run_condition(key, task.condition_task, known)
        return await self._resources.run_program(key, task, _arguments(task, known))

    def _run_condition(self, key: str, condition: ConditionTask, known: dynamic_values.Known) -> State:
        left, right = (
            dynamic_values.substitute(condition.left, known),
            dynamic_values.substitute(condition.right, known),
        )
        outcome = str(conditions.outcome(condition.op, left, right)).lower()
        self._recorder.task(key, outcome=outcome, message=f"{left} {condition.op} {right}: {outcome}")
        return "SUCCESS"

    async def _run_for_each(self, key: str, loop: ForEachTask, known: dynamic_values.Known) -> State:
        inputs = _elements(dynamic_values.substitute(loop.inputs, known), key)
        slots = asyncio.Semaphore(loop.concurrency)
        if works_in_kernel(loop.task):
            self._resources.expect(key, len(inputs))

        async def iterate(number: int, element: Any) -> None:  # noqa: ANN401 - any JSON value
            iteration = f"{key}.{number}"  # unique: task keys have no dots
            self._inputs[iteration] = element
            async with slots:
                await self._attempt(loop.task, iteration)

        unfinished = [number for number in range(len(inputs)) if not self._has_succeeded(f"{key}.{number}")]
        for number in unfinished:
            self._recorder.add_task(blocked(loop.task, f"{key}.{number}", key))
        async with asyncio.TaskGroup() as group:
            for number in unfinished:
                group.create_task(iterate(number, inputs[number]))
        failed = sum(not self._has_succeeded(f"{key}.{number}") for number in range(len(inputs)))
        self._recorder.show_message(key, f"{len(inputs)} iterations" + (f", {failed} failed" if failed else ""))
        return "FAILED" if failed else "SUCCESS"

    def _has_succeeded(self, key: str) -> bool:
        """An iteration may have succeeded before, in a run that is repaired."""
        record = self._recorder.record.tasks.get(key)
        return record is not None and record.state == "SUCCESS"

    async def _run_job(self, key: str, work: RunJobTask, known: dynamic_values.Known) -> State:
        """Starts a run of another job. Parameters of this job are passed on to those with the same name."""
        job = find_job(self._bundle, work.job_id)
        inherited = {name: value for name, value in known.parameters.items() if name in job.parameters}
        parameters = job_parameters(job, _substituted(work.job_parameters, known) | inherited)
        parameters = await asyncio.to_thread(check_parameters, self._bundle, job.key, parameters)
        folder, record = new_run(self._bundle.home, self._bundle.target, job, parameters)
        self._recorder.task(key, child_run=record.run_id, message=f"run {record.run_id} of {job.key}")
        recorder = Recorder(folder, record, lambda run: None)
        record = await Runner(self._bundle, job, self._environments, recorder, self._progress).run()
        if record.state == "CANCELED":  # the other run ends normally when it is canceled; this one must end as canceled
            raise asyncio.CancelledError
        first = next((task for task in record.tasks.values() if task.state == "FAILED"), None)
        if first:
            self._recorder.task(
                key, failure=first.failure, message=f"run {record.run_id}: {first.task_key}: {first.message}"
            )
        return "SUCCESS" if record.state == "SUCCESS" else "FAILED"

    def _known(self, key: str) -> dynamic_values.Known:
        record = self._recorder.record
        run_id = str(record.run_id)
        job = {
            "id": self._job.key, "name": self._job.name, "run_id": run_id, "repair_count": str(record.repairs)
        }  # fmt: skip
        first = dynamic_values.Known(job, {}, record.started or now())
        return dynamic_values.Known(
            job=job,
            parameters=_substituted(record.parameters, first),
            started=first.started,
            task=_leaves(run_id, record.tasks[key]),
            tasks={name: _leaves(run_id, task) for name, task in record.own_tasks.items()},
            task_values={name: task.values for name, task in record.own_tasks.items() if task.state in conditions.DONE},
            outputs={name: task.output for name, task in record.own_tasks.items() if task.output},
            iteration={"input": self._inputs[key]} if key in self._inputs else {},
        )

    def _end(self, key: str, state: State, message: str) -> None:
        for other, task in self._recorder.record.tasks.items():
            if task.parent == key:
                self._close(other, "CANCELED", "")
        self._recorder.task(key, state=state, message=message, ended=now())

    def _close(self, key: str, state: State, message: str) -> None:
        task = self._recorder.record.tasks[key]
        if task.state not in conditions.DONE:
            self._recorder.task(key, state=state, message=message or task.message, ended=now())


def _substituted(texts: dict[str, str], known: dynamic_values.Known) -> dict[str, str]:
    return {name: dynamic_values.substitute(text, known) for name, text in texts.items()}


def _arguments(task: Task, known: dynamic_values.Known) -> list[str]:
    """Named parameters are overridden by the job's; positional ones get only what they reference."""
    work = task.python_wheel_task or task.spark_python_task
    assert work is not None
    if task.python_wheel_task and task.python_wheel_task.named_parameters:
        named = _substituted(task.python_wheel_task.named_parameters, known) | dict(known.parameters)
        return [f"--{name}={value}" for name, value in named.items()]
    return [dynamic_values.substitute(text, known) for text in work.parameters]


def _elements(text: str, key: str) -> list[Any]:
    try:
        elements = json.loads(text)
    except ValueError:
        elements = None
    if not isinstance(elements, list):
        raise BundleError(f"the inputs of {key} are not a JSON array: {text[:80]}; set an array, or a reference to one")
    return elements


def _leaves(run_id: str, task: TaskRecord) -> dict[str, str]:
    return {
        "name": task.task_key,
        "run_id": f"{run_id}-{task.task_key}",
        "execution_count": str(task.attempts),
        "retry_count": str(max(0, task.attempts - 1)),
        "notebook_path": (task.source or "") if task.kind == "notebook_task" else "",
        "result_state": task.state.lower(),
        "error_code": task.failure.exception if task.failure else "",
    }
