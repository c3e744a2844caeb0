"""JupyterLab as a child process: its settings, its start and its end."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from localbundle.errors import BundleError
from localbundle.lab.kernelspec import NAME, write_kernel

DEFAULT_PORT = 8888
_START_SECONDS = 60
_STOP_SECONDS = 15

# People's own settings win over all of these. Nothing here is fetched from the network.
_SERVER = {
    "KernelSpecManager": {"allowed_kernelspecs": [NAME], "ensure_native_kernel": False},
    "MappingKernelManager": {"default_kernel_name": NAME},
    # Sockets of the file system: kernels listen on no port.
    "KernelManager": {"transport": "ipc"},
    "ServerApp": {"allow_root": True, "ip": "127.0.0.1", "port_retries": 0},
    "LabApp": {
        "extension_manager": "readonly",
        "news_url": None,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    },
}
_PAGE = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
_SETTINGS = {"@jupyterlab/apputils-extension:themes": {"adaptive-theme": True}}


@contextlib.contextmanager
def jupyterlab(
    folder: Path, notebooks: Path, environment: dict[str, str], port: int | None, browser: bool
) -> Iterator[tuple[str, Callable[[], int]]]:
    """Runs JupyterLab on the notebooks; `folder` is for its settings and its log.

    Yields:
        Its address with the token, and a function that waits for its end.

    Raises:
        BundleError: the port is taken, or JupyterLab did not start.
    """
    port, token = _port(port), secrets.token_urlsafe(24)
    _write_settings(folder)
    # A path of a socket has at most 107 characters: the runtime folder must be a short one.
    with tempfile.TemporaryDirectory(prefix="localbundle-") as runtime, (folder / "lab.log").open("w") as log:
        process = subprocess.Popen(
            _command(notebooks, port, browser),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for localbundle alone; Jupyter would ask whether it is meant
            env=_environment(folder, runtime, token) | environment,
        )
        try:
            _wait(process, port, folder / "lab.log")
            yield f"http://127.0.0.1:{port}/lab?token={token}", process.wait
        finally:
            _stop(process)


def _command(notebooks: Path, port: int, browser: bool) -> list[str]:
    options = {"root_dir": notebooks, "port": port, "open_browser": browser}
    return [sys.executable, "-m", "jupyterlab", *(f"--ServerApp.{name}={value}" for name, value in options.items())]


def _environment(folder: Path, runtime: str, token: str) -> dict[str, str]:
    """The token goes through the environment: on a command line it shows in `ps`."""
    return {
        **os.environ,
        "JUPYTER_TOKEN": token,
        "JUPYTER_PATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("JUPYTER_PATH")])),
        "JUPYTER_CONFIG_PATH": os.pathsep.join(
            filter(None, [str(folder / "config"), os.environ.get("JUPYTER_CONFIG_PATH")])
        ),
        "JUPYTER_RUNTIME_DIR": runtime,
    }


def _write_settings(folder: Path) -> None:
    write_kernel(folder / "kernels")
    _write(folder / "config/jupyter_server_config.json", _SERVER)
    _write(folder / "config/labconfig/page_config.json", _PAGE)
    _write(folder / "config/labconfig/default_setting_overrides.json", _SETTINGS)


def _write(file: Path, settings: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(settings, indent=2), "utf-8")


def _port(wanted: int | None) -> int:
    """The port asked for, else Jupyter's usual one, else any that is free."""
    for port in [wanted] if wanted else [DEFAULT_PORT, 0]:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            free: int = probe.getsockname()[1]
            return free
    raise BundleError(f"port {wanted} is taken; leave --port out or name another one")


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    lines = log.read_text("utf-8", errors="replace").strip().splitlines() or ["no output"]
    raise BundleError(f"JupyterLab did not start: {lines[-1].strip()}; the whole log is {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Asks it to end its kernels and itself."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
