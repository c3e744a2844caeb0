"""Kernels that are forked from `localbundle.kernels.fork_server`, as jupyter_client starts and stops them."""

import asyncio
import contextlib
import os
import signal
import sys
from typing import IO, Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from localbundle.errors import BundleError
from localbundle.workspace.processes import create_time, is_alive


class ForkServer:
    """A pool's fork server, started with its first kernel."""

    def __init__(self, environment: dict[str, str], log: IO[bytes], python: str = sys.executable) -> None:
        self._environment, self._log, self._python = environment, log, python
        self._process: asyncio.subprocess.Process | None = None
        self._alone = asyncio.Lock()

    async def fork(self, connection_file: str) -> int:
        """Starts a kernel; returns its pid.

        Raises:
            BundleError: the server died.
        """
        async with self._alone:
            self._process = self._process or await self._start()
            assert self._process.stdin is not None and self._process.stdout is not None
            with contextlib.suppress(ConnectionError):
                self._process.stdin.write(f"{connection_file}\n".encode())
                await self._process.stdin.drain()
            answer = await self._process.stdout.readline()
        if not answer:
            raise BundleError("a notebook's kernel died while it started; see kernels.log of the run")
        return int(answer)

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            self._python,
            "-m",
            "localbundle.kernels.fork_server",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
            env=self._environment,
            start_new_session=True,
        )

    async def close(self) -> None:
        """Ends the server."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


class ForkedProvisioner(LocalProvisioner):
    """Starts one kernel by a fork."""

    process: Any = None

    def __init__(self, server: ForkServer, spec: KernelSpec, manager: AsyncKernelManager) -> None:
        super().__init__(kernel_id="", kernel_spec=spec, parent=manager)
        self._server = server

    async def launch_kernel(self, cmd: list[str], **kwargs: object) -> KernelConnectionInfo:
        """Starts the kernel; its command ends with the connection file."""
        self.process = _Process(await self._server.fork(cmd[-1]))
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class _Process:
    """What jupyter_client uses of a `subprocess.Popen`, for a process that is not a child of this one."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid, self._started = pid, create_time(pid)

    def poll(self) -> int | None:
        """None while it runs. Only its parent knows the exit code."""
        return None if is_alive(self.pid, self._started) else 0

    def wait(self) -> int:
        """Called once it has ended."""
        return 0

    def send_signal(self, number: int) -> None:
        """Does nothing if it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL."""
        self.send_signal(signal.SIGKILL)
