"""What a serving endpoint's container is, which nobody documents: said once by each process, in the endpoint's log."""

import os
import platform
import shutil
import socket
import tempfile

from ragops.platform.compute import available_memory

_GIB = 1 << 30


def container() -> str:
    """One line: process and host, cores, memory, free disk, Python. As many lines as processes that hold the chain."""
    folder = tempfile.gettempdir()
    memory, disk = available_memory() / _GIB, shutil.disk_usage(folder).free / _GIB
    return (
        f"pid {os.getpid()} on host {socket.gethostname()}: {os.cpu_count()} cores, {memory:.1f} GiB of memory, "
        f"{disk:.1f} GiB free in {folder}, Python {platform.python_version()}"
    )
