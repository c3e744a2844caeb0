"""The guard of a run: a separate process that ends everything the run leaves behind, however the run ends.

It reads a pipe that only the run keeps open. When that closes (also by kill -9) the guard ends every process with the
run's owner id, and stops the server if no other run uses it.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from localbundle.workspace.processes import owned_by, stop
from localbundle.workspace.server import Server


@contextlib.contextmanager
def guarded(home: Path, owner: str) -> Iterator[None]:
    """Runs a guard for the processes with this owner id and for the server of `home`."""
    command = [sys.executable, "-m", "localbundle.workspace.cleanup_guard", str(home), owner]
    quiet = subprocess.DEVNULL
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        yield
    finally:
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait()


def main(home: Path, owner: str) -> None:
    """Waits for the end of the run, then cleans up."""
    sys.stdin.buffer.read()
    server = Server(home)
    state = server.state()
    remaining = [process for process in owned_by(owner) if not _belongs(process, state.pid if state else 0)]
    stop(remaining)
    server.stop_unused()


def _belongs(process: psutil.Process, server: int) -> bool:
    """Whether a process is the server or was started by it: another run may be using the server."""
    with contextlib.suppress(psutil.Error):
        return server in (process.pid, *(parent.pid for parent in process.parents()))
    return False


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
