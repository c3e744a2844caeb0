"""The resources of a run: the Spark server, and kernels in the environments of its tasks."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self

from nbformat import NotebookNode

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import Job
from localbundle.definitions.tasks import NotebookTask, SqlTask, Task
from localbundle.errors import BundleError
from localbundle.kernels.dbutils import Context, read_state
from localbundle.kernels.notebook_source import program_notebook, read_notebook
from localbundle.kernels.pool import Kernel, KernelPool, execute
from localbundle.kernels.sql_statements import sql_notebook
from localbundle.packages.environment import Environment
from localbundle.packages.prepare import KINDS, TaskEnvironments
from localbundle.runs.conditions import State
from localbundle.runs.html import write_notebook_page
from localbundle.runs.record import Recorder
from localbundle.workspace.environment import OWNER
from localbundle.workspace.resources import create_volumes, schema_statements, server_of

_WATCH_SECONDS = 2.0


class RunResources:
    """A run's resources. Entering it starts the server and the first kernel in the background; leaving it ends them."""

    def __init__(
        self,
        bundle: Bundle,
        job: Job,
        environments: TaskEnvironments,
        recorder: Recorder,
        progress: Callable[[str], None],
        owner: str,
    ) -> None:
        self._bundle, self._job, self._recorder, self._progress, self._owner = bundle, job, recorder, progress, owner
        self._environments = environments
        self._pools: dict[Environment | None, KernelPool] = {}
        self._server = server_of(bundle)
        self._statements = schema_statements(bundle)
        self._preparing = asyncio.Lock()
        self._pages: list[asyncio.Task[Path]] = []
        self.slots = asyncio.Semaphore(max(2, os.cpu_count() or 1))

    async def __aenter__(self) -> Self:
        tasks = [task.task_key for task in self._job.tasks if works_in_kernel(task)]
        places = [self._environments.of(self._job.key, task) for task in tasks]
        # The tasks are in topological order: the first environment is the one that is needed first.
        self._pools = {place: self._pool(place, places.count(place)) for place in dict.fromkeys(places)}
        self._remote = asyncio.create_task(self._start_server())
        for pool in [*self._pools.values()][:1]:
            pool.prepare()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._progress("stopping")
        self._server.abandon()
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        # A start that was interrupted still runs in its thread, and its server has to be stopped.
        await asyncio.gather(self._remote, *self._pages, return_exceptions=True)
        await asyncio.to_thread(self._server.release)
        self._progress("")

    def expect(self, key: str, more: int) -> None:
        """Changes the number of kernels that a task needs; negative if it does not run."""
        self._pool_of(key).expect(more)

    async def watch_server(self) -> None:
        """Ends the run if the server does not start, or dies: clients would try to reach it for minutes."""
        await asyncio.shield(self._remote)
        while self._server.state() is not None:
            await asyncio.sleep(_WATCH_SECONDS)
        raise BundleError(f"Spark ended during the run; see {self._server.home}/server.log, then run again")

    async def run_notebook(self, key: str, task: NotebookTask, parameters: dict[str, str]) -> State:
        """Runs a notebook with these values for its widgets."""
        path = Path(task.notebook_path)
        return await self._execute(key, read_notebook(path), self._context(key, path.parent, parameters))

    async def run_sql(self, key: str, task: SqlTask, parameters: dict[str, str]) -> State:
        """Runs the statements of a file with these values for its parameters."""
        path = Path(task.file.path)
        context = self._context(key, path.parent, parameters).model_copy(update={"sql_file": str(path)})
        return await self._execute(key, sql_notebook(path), context)

    async def run_program(self, key: str, task: Task, arguments: list[str]) -> State:
        """Runs the Python file, or the wheel's entry point, of a task."""
        if task.spark_python_task:
            call, named = "run_file", [task.spark_python_task.python_file]
            folder = Path(named[0]).parent
        else:
            assert task.python_wheel_task is not None
            call, named = "run_entry_point", [task.python_wheel_task.package_name, task.python_wheel_task.entry_point]
            folder = self._bundle.root
        code = f"{call}({', '.join(map(repr, [*named, *arguments]))})"
        context = self._context(key, folder, {}).model_copy(update={"is_program": True})
        return await self._execute(key, program_notebook(code), context)

    def _context(self, key: str, folder: Path, parameters: dict[str, str]) -> Context:
        return Context(
            task=key,
            folder=str(folder),
            parameters=parameters,
            run_folder=str(self._recorder.folder.resolve()),
            home=str(self._bundle.home.resolve()),
        )

    async def _execute(self, key: str, notebook: NotebookNode, context: Context) -> State:
        show, saved = partial(self._recorder.show_message, key), self._recorder.folder / f"{key}.ipynb"
        show("starting a kernel")
        pool = self._pool_of(key)
        kernel = await pool.take()
        try:
            show("")
            succeeded = await execute(kernel, context, notebook, saved, show)
        finally:
            await pool.release(kernel)
            self._pages.append(asyncio.create_task(asyncio.to_thread(write_notebook_page, saved)))
        return self._save_result(key, succeeded)

    def _save_result(self, key: str, succeeded: bool) -> State:
        state = read_state(self._recorder.folder, key)
        message = self._recorder.record.tasks[key].message
        changes = {"values": state.values, "exit": state.exit, "failure": state.failure, "output": state.output}
        self._recorder.task(key, **changes, message=state.exit or message)
        if succeeded or state.exit is not None:
            return "SUCCESS"
        if state.failure is None:
            self._recorder.show_message(key, f"failed; see {self._recorder.folder / key}.ipynb")
        return "FAILED"

    async def _start_server(self) -> str:
        create_volumes(self._bundle)
        state = await asyncio.to_thread(self._server.use, self._progress, owner=self._owner)
        self._progress("")
        return state.remote

    def _pool_of(self, key: str) -> KernelPool:
        place = self._environments.of(self._job.key, key)
        if place not in self._pools:  # of a for-each task, whose iterations are counted once they are known
            self._pools[place] = self._pool(place, 0)
        return self._pools[place]

    def _pool(self, place: Environment | None, needed: int) -> KernelPool:
        variables = self._server.environment() | {OWNER: self._owner}
        log = self._recorder.folder / "kernels.log"
        if place is None:
            return KernelPool(variables, needed, log, self._connect)
        variables |= place.variables(os.environ.get("PATH", ""))
        return KernelPool(variables, needed, log, partial(self._connect, python=place.python), place.python)

    async def _connect(self, kernel: Kernel, python: str = "") -> None:
        """The first kernel of a run also creates the schemas, before any other continues.

        Args:
            kernel: the kernel.
            python: the interpreter of its session's user-defined functions, if it is not the server's.
        """
        remote = await asyncio.shield(self._remote)
        async with self._preparing if self._statements else contextlib.nullcontext():
            self._progress("preparing the catalog" if self._statements else "")
            own = [f"SET spark.sql.execution.pyspark.python={python}"] if python else []
            await kernel.call("connect", remote, [*own, *self._statements])
            self._statements = []
            self._progress("")


def works_in_kernel(task: Task) -> bool:
    """Whether a task is a notebook, a program or SQL; iterations of a for-each task are counted once they are known."""
    return task.kind in (*KINDS, "sql_task")
