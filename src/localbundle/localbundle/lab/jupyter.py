"""JupyterLab as a child process, and the kernel "local workspace" as Jupyter finds it."""

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

from jupyter_client.kernelspec import KernelSpecManager

from localbundle.errors import BundleError

KERNEL = "local-workspace"
DEFAULT_PORT = 8888
_START_SECONDS = 60
_STOP_SECONDS = 15

# A user's own settings override these. Nothing is downloaded.
_SERVER = {
    "KernelSpecManager": {"allowed_kernelspecs": [KERNEL], "ensure_native_kernel": False},
    "MappingKernelManager": {"default_kernel_name": KERNEL},
    # Unix sockets: kernels listen on no port.
    "KernelManager": {"transport": "ipc"},
    "ServerApp": {"allow_root": True, "ip": "127.0.0.1", "port_retries": 0},
    "LabApp": {
        "extension_manager": "readonly",
        "news_url": None,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    },
}
_PAGE = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
_KERNEL_SPEC = {
    "argv": [
        sys.executable,
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
        "--IPKernelApp.extra_extensions=localbundle.lab.ipython_extension",
    ],
    "display_name": "local workspace",
    "language": "python",
    "metadata": {"debugger": True},
}
_SETTINGS = {"@jupyterlab/apputils-extension:themes": {"adaptive-theme": True}}


def write_kernel(kernels: Path) -> None:
    """Writes the kernel's specification into a folder of kernels."""
    (kernels / KERNEL).mkdir(parents=True, exist_ok=True)
    (kernels / KERNEL / "kernel.json").write_text(json.dumps(_KERNEL_SPEC, indent=2), "utf-8")


def install_kernel() -> Path:
    """Installs the kernel for this user, where VS Code and other Jupyters find it."""
    with tempfile.TemporaryDirectory() as folder:
        write_kernel(Path(folder))
        return Path(KernelSpecManager().install_kernel_spec(str(Path(folder, KERNEL)), KERNEL, user=True))


@contextlib.contextmanager
def jupyterlab(
    folder: Path, notebooks: Path, environment: dict[str, str], port: int | None, browser: bool
) -> Iterator[tuple[str, Callable[[], int]]]:
    """Runs JupyterLab on the notebooks; its settings and its log are in `folder`.

    Yields:
        The address with the token, and a function that waits for the end of JupyterLab.

    Raises:
        BundleError: the port is taken, or JupyterLab did not start.
    """
    port, token = _port(port), secrets.token_urlsafe(24)
    _write_settings(folder)
    # The path of a socket has at most 107 characters: the runtime folder must have a short one.
    with tempfile.TemporaryDirectory(prefix="localbundle-") as runtime, (folder / "lab.log").open("w") as log:
        process = subprocess.Popen(
            _command(notebooks, port, browser),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # only localbundle gets Ctrl-C; Jupyter would ask for confirmation
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
    """The token is in the environment: on the command line it would be visible in `ps`."""
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
    """The given port, else Jupyter's default, else any free one."""
    for port in [wanted] if wanted else [DEFAULT_PORT, 0]:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            free: int = probe.getsockname()[1]
            return free
    raise BundleError(f"port {wanted} is in use; omit --port or choose another one")


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    lines = log.read_text("utf-8", errors="replace").strip().splitlines() or ["no output"]
    raise BundleError(f"JupyterLab did not start: {lines[-1].strip()}; the whole log is {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Terminates it, which ends its kernels; kills it if it does not end in time."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
