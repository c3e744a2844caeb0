"""Kernels started in advance, and a notebook executed in one cell by cell."""

import asyncio
import contextlib
import itertools
import os
import queue
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from localbundle.errors import BundleError
from localbundle.kernels.dbutils import Context
from localbundle.kernels.forked import ForkedProvisioner, ForkServer

_READY_SECONDS = 60
_INTERRUPT_SECONDS = 3.0
_ALIVE_SECONDS = 1.0
_PUBLISHED_SECONDS = 0.2


class Kernel:
    """One Python process that runs one notebook."""

    def __init__(self, manager: AsyncKernelManager, client: Any) -> None:  # noqa: ANN401 - untyped library
        self.manager, self.client = manager, client

    async def ready(self) -> None:
        """Waits until the kernel answers, and until its published messages arrive here.

        jupyter_client's own `wait_for_ready` then waits until nothing has been published for 0.2 s, at each start.

        Raises:
            BundleError: it died, or does not answer.
        """
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not await self._answers(self.client.kernel_info()):
                    if not await self.manager.is_alive():
                        raise BundleError("a notebook's kernel died while it started; see kernels.log of the run")
        except TimeoutError:
            message = f"a notebook's kernel did not start within {_READY_SECONDS} s; see kernels.log of the run"
            raise BundleError(message) from None

    async def _answers(self, request: str) -> bool:
        """Whether a request is answered and its end is published: messages are lost until the sockets are connected."""
        with contextlib.suppress(queue.Empty):
            while (await self.client.get_shell_msg(timeout=_ALIVE_SECONDS))["parent_header"].get("msg_id") != request:
                pass
            while not _ends(await self.client.get_iopub_msg(timeout=_PUBLISHED_SECONDS), request):
                pass
            return True
        return False

    async def call(self, function: str, *arguments: object) -> None:
        """Calls a function of `localbundle.kernels.bootstrap` inside the kernel.

        Raises:
            BundleError: it raised, or the kernel died.
        """
        listed = ", ".join(map(repr, arguments))
        code = f"import localbundle.kernels.bootstrap as _kernel; _kernel.{function}({listed}); del _kernel"
        reply_task = asyncio.ensure_future(
            self.client.execute_interactive(
                code, silent=True, store_history=False, allow_stdin=False, output_hook=lambda message: None
            )
        )
        try:
            # A dead kernel never answers, and its client would wait forever.
            while not (await asyncio.wait({reply_task}, timeout=_ALIVE_SECONDS))[0]:
                if not await self.manager.is_alive():
                    raise BundleError("a notebook's kernel died (killed, or out of memory); run again")
        finally:
            reply_task.cancel()
        reply = await reply_task
        if reply["content"]["status"] == "error":
            error = str(reply["content"]["evalue"]).strip() or "no message"
            raise BundleError(f"a notebook's kernel could not {function}: {error.splitlines()[0]}; see server.log")

    async def interrupt(self) -> None:
        """Interrupts the running cell; Spark's client passes that on, so that the server also stops the query."""
        with contextlib.suppress(queue.Empty, RuntimeError):
            await self.manager.interrupt_kernel()
            await self.client.get_shell_msg(timeout=_INTERRUPT_SECONDS)

    async def stop(self) -> None:
        """Ends the process."""
        self.client.stop_channels()
        await self.manager.shutdown_kernel(now=True)


def _ends(message: dict[str, Any], request: str) -> bool:
    """Whether a published message is the last one of a request."""
    answered = message["parent_header"].get("msg_id")
    return bool(answered == request and message["content"].get("execution_state") == "idle")


class KernelPool:
    """The kernels of one environment in a run. One is always started in advance for the next task, if there is one."""

    def __init__(
        self,
        environment: dict[str, str],
        needed: int,
        log: Path,
        connect: Callable[[Kernel], Awaitable[None]],
        python: str = sys.executable,
    ) -> None:
        self._environment = {**os.environ, **environment}
        self._connect, self._python = connect, python
        self._left = needed
        self._log = log.open("ab")
        self._fork_server = ForkServer(self._environment, self._log, python)
        self._sockets = tempfile.TemporaryDirectory(prefix="localbundle-", ignore_cleanup_errors=True)
        self._spare: asyncio.Task[Kernel] | None = None
        self._kernels: list[Kernel] = []
        self._ending: list[asyncio.Task[None]] = []
        self._numbers = itertools.count()

    def prepare(self) -> None:
        """Starts the next kernel, unless one is waiting or no more are needed."""
        if self._spare is None and self._left > 0:
            self._left -= 1
            self._spare = asyncio.create_task(self._start())

    def expect(self, more: int) -> None:
        """Changes the number of kernels that are still needed; negative if a task does not run."""
        self._left = max(0, self._left + more)

    async def take(self) -> Kernel:
        """A kernel for the caller alone; the next one starts in the background."""
        if self._spare is None:
            self._left = max(self._left, 1)
            self.prepare()
        assert self._spare is not None
        spare, self._spare = self._spare, None
        kernel = await spare
        self.prepare()
        return kernel

    async def close(self) -> None:
        """Ends all kernels."""
        if self._spare is not None:
            self._spare.cancel()
            await asyncio.gather(self._spare, return_exceptions=True)
        ending = (kernel.stop() for kernel in self._kernels)
        await asyncio.gather(*self._ending, *ending, return_exceptions=True)
        await self._fork_server.close()
        self._log.close()
        self._sockets.cleanup()

    async def release(self, kernel: Kernel) -> None:
        """Kills one kernel; that its process is gone is seen 0.1 s later, which the next task need not wait for."""
        self._kernels.remove(kernel)
        self._ending.append(asyncio.create_task(kernel.stop()))
        await asyncio.sleep(0)

    async def _start(self) -> Kernel:
        """With Unix sockets in a folder that only this user may read: nothing listens on the network."""
        number = next(self._numbers)
        manager = AsyncKernelManager(
            transport="ipc",
            ip=f"{self._sockets.name}/{number}",
            connection_file=f"{self._sockets.name}/{number}.json",
        )
        argv = [self._python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = manager._kernel_spec = KernelSpec(argv=argv, display_name="Python", language="python")
        if sys.platform == "linux":  # macOS's own libraries do not work in a forked process
            manager.provisioner = ForkedProvisioner(self._fork_server, spec, manager)
        await manager.start_kernel(env=self._environment, stdout=self._log, stderr=self._log)
        client = manager.client()
        kernel = Kernel(manager, client)
        self._kernels.append(kernel)
        # Without the heartbeat: the manager knows whether its process lives, and a kernel that is stopped while its
        # heartbeat thread starts leaves that thread with a closed context ("Too many open files").
        client.start_channels(hb=False)
        await kernel.ready()
        await kernel.call("warm")
        await self._connect(kernel)
        return kernel


class _Cells(NotebookClient):
    """nbclient with a callback for printed lines; of stderr only progress bars, the rest is warnings and logs."""

    on_output: Callable[[str], None]

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        if msg["msg_type"] == "stream" and (msg["content"]["name"] == "stdout" or "\r" in msg["content"]["text"]):
            lines = [line.strip() for line in re.split(r"[\r\n]", msg["content"]["text"]) if line.strip()]
            if lines:
                self.on_output(lines[-1])
        return super().process_message(msg, cell, cell_index)


async def execute(
    kernel: Kernel, context: Context, notebook: NotebookNode, saved: Path, on_output: Callable[[str], None]
) -> bool:
    """Runs a notebook until its end, its failure or its `exit`, and always saves it with its outputs.

    Returns:
        Whether all cells succeeded; if not, the kernel's state file has the failure or the exit value.

    Raises:
        BundleError: the kernel died.
    """
    await kernel.call("begin", context.model_dump_json())
    cells = _Cells(notebook, km=kernel.manager, timeout=None, resources={"metadata": {}})
    cells.kc, cells.on_output = kernel.client, on_output
    cells.reset_execution_trackers()
    try:
        for index, cell in enumerate(notebook.cells):
            await cells.async_execute_cell(cell, index, execution_count=cells.code_cells_executed + 1)
        return True
    except CellExecutionError:
        return False
    except DeadKernelError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # nbclient reports every cancellation as a dead kernel
            await kernel.interrupt()
            raise asyncio.CancelledError from error
        raise BundleError(f"the kernel of {saved.stem} died (killed, or out of memory); see {saved}") from error
    finally:
        with contextlib.suppress(OSError):
            nbformat.write(notebook, saved)
