"""Kernels of one run, forked from one process, are as separate as if each had been started."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from localbundle.kernels.pool import Kernel, KernelPool
from localbundle_support.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")

FACTS = """
import json, multiprocessing, os, random, signal, subprocess, sys, threading
import numpy, pyspark.sql.connect.session
print(json.dumps({
    "pid": os.getpid(),
    "parent": os.getppid(),
    "session": os.getsid(0),
    "argv": os.path.basename(sys.argv[0]),
    "main": sys.modules["__main__"].__name__,
    "input": os.read(0, 1).decode(),
    "marked": os.environ.get("MARKED"),
    "own": os.environ.get("OWN"),
    "child": subprocess.run([sys.executable, "-c", "raise SystemExit(3)"]).returncode,
    "interrupt": signal.getsignal(signal.SIGINT) == signal.default_int_handler,
    "random": [random.random(), float(numpy.random.random()), float(numpy.random.default_rng().random())],
}))
os.environ["OWN"] = "set by a kernel"
"""


async def run(kernel: Kernel, code: str) -> str:
    printed: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        printed.append(message["content"].get("text", ""))

    await kernel.client.execute_interactive(code, allow_stdin=False, output_hook=keep)
    return "".join(printed)


def with_pool(folder: Path, needed: int, use: Callable[[KernelPool], Awaitable[Any]]) -> Any:
    async def connect(kernel: Kernel) -> None:
        pass

    async def main() -> Any:
        pool = KernelPool({"MARKED": "by the run"}, needed, folder / "kernels.log", connect)
        try:
            return await use(pool)
        finally:
            await pool.close()

    return asyncio.run(main())


def test_kernels_share_nothing_but_their_environment(tmp_path: Path) -> None:
    async def use(pool: KernelPool) -> list[dict[str, Any]]:
        return [json.loads(await run(await pool.take(), FACTS)) for _ in range(2)]

    first, second = with_pool(tmp_path, 2, use)
    assert first["parent"] == second["parent"] != os.getpid()
    for facts in (first, second):
        assert facts["session"] == facts["pid"]
        assert (facts["argv"], facts["main"]) == ("ipykernel_launcher.py", "__main__")
        assert (facts["input"], facts["marked"], facts["own"]) == ("", "by the run", None)
        assert (facts["child"], facts["interrupt"]) == (3, True)
    assert first["pid"] != second["pid"]
    assert not set(first["random"]) & set(second["random"])
    assert not any(psutil.pid_exists(pid) for pid in (first["pid"], second["pid"], first["parent"]))


def test_what_is_printed_to_the_file_descriptors_is_in_the_log(tmp_path: Path) -> None:
    async def use(pool: KernelPool) -> None:
        await run(await pool.take(), "import os; os.system('echo printed; echo complained >&2')")

    with_pool(tmp_path, 1, use)
    assert {"printed", "complained"} <= set((tmp_path / "kernels.log").read_text().split())


def test_a_killed_kernel_is_seen_and_the_next_one_starts(tmp_path: Path) -> None:
    async def use(pool: KernelPool) -> tuple[bool, str]:
        killed = await pool.take()
        os.kill(killed.manager.provisioner.pid, signal.SIGKILL)
        while await killed.manager.is_alive():
            await asyncio.sleep(0)
        await pool.release(killed)
        return await killed.manager.is_alive(), await run(await pool.take(), "print('started')")

    assert with_pool(tmp_path, 2, use) == (False, "started\n")


def test_kernels_end_with_the_process_that_they_were_forked_from(tmp_path: Path) -> None:
    async def use(pool: KernelPool) -> int:
        kernel = await pool.take()
        pid: int = kernel.manager.provisioner.pid
        psutil.Process(pid).parent().kill()
        assert eventually(lambda: not psutil.pid_exists(pid))
        return pid

    assert with_pool(tmp_path, 1, use)
