"""The resources of a run: the Spark server, kernels, wheels."""

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
from localbundle.definitions.tasks import NotebookTask, Task
from localbundle.errors import BundleError
from localbundle.kernels.dbutils import Context, read_state
from localbundle.kernels.notebook_source import program_notebook, read_notebook
from localbundle.kernels.pool import Kernel, KernelPool, execute
from localbundle.runs.conditions import State
from localbundle.runs.html import write_notebook_page
from localbundle.runs.record import Recorder
from localbundle.runs.wheels import wheel_folder
from localbundle.workspace.environment import OWNER
from localbundle.workspace.resources import create_volumes, schema_statements, server_of

_WATCH_SECONDS = 2.0


class RunResources:
    """A run's resources. Entering it starts the server and the first kernel in the background; leaving it ends them."""

    def __init__(
        self, bundle: Bundle, job: Job, recorder: Recorder, progress: Callable[[str], None], owner: str
    ) -> None:
        self._bundle, self._job, self._recorder, self._progress, self._owner = bundle, job, recorder, progress, owner
        self._server = server_of(bundle)
        self._statements = schema_statements(bundle)
        self._preparing = asyncio.Lock()
        self._pages: list[asyncio.Task[Path]] = []
        self.slots = asyncio.Semaphore(max(2, os.cpu_count() or 1))

    async def __aenter__(self) -> Self:
        """Raises BundleError when a wheel cannot be built."""
        wheels = await asyncio.to_thread(wheel_folder, self._bundle, self._job, self._progress)
        path = [wheels] if wheels is not None else []
        environment = self._server.environment(path=path) | {OWNER: self._owner}
        needed = sum(works_in_kernel(task) for task in self._job.tasks)
        self._pool = KernelPool(environment, needed, self._recorder.folder / "kernels.log", self._connect)
        self._remote = asyncio.create_task(self._start_server())
        self._pool.prepare()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._progress("stopping")
        self._server.abandon()
        await self._pool.close()
        # A start that was interrupted still runs in its thread, and its server has to be stopped.
        await asyncio.gather(self._remote, *self._pages, return_exceptions=True)
        await asyncio.to_thread(self._server.release)
        self._progress("")

    def expect(self, more: int) -> None:
        """Changes the number of kernels that are needed; negative if a task does not run."""
        self._pool.expect(more)

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
        kernel = await self._pool.take()
        try:
            show("")
            succeeded = await execute(kernel, context, notebook, saved, show)
        finally:
            await self._pool.release(kernel)
            self._pages.append(asyncio.create_task(asyncio.to_thread(write_notebook_page, saved)))
        return self._save_result(key, succeeded)

    def _save_result(self, key: str, succeeded: bool) -> State:
        state = read_state(self._recorder.folder, key)
        message = self._recorder.record.tasks[key].message
        changes = {"values": state.values, "exit": state.exit, "failure": state.failure}
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

    async def _connect(self, kernel: Kernel) -> None:
        """The first kernel of a run also creates the schemas, before any other continues."""
        remote = await asyncio.shield(self._remote)
        async with self._preparing if self._statements else contextlib.nullcontext():
            self._progress("preparing the catalog" if self._statements else "")
            await kernel.call("connect", remote, self._statements)
            self._statements = []
            self._progress("")


def works_in_kernel(task: Task) -> bool:
    """Whether a task is a notebook or a program; iterations of a for-each task are counted once they are known."""
    return bool(task.notebook_task or task.python_wheel_task or task.spark_python_task)
