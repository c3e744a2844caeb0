"""The kernel "local workspace": IPython loads this module before a notebook's first cell.

Under `localbundle lab` Spark is already running. A kernel that VS Code starts uses the bundle that contains its
notebook, and finds or starts the Spark of the default target, which stops with its last user.
"""

import atexit
import contextlib
import os
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from localbundle.definitions.bundle import Bundle, find_root, load_bundle
from localbundle.errors import BundleError
from localbundle.kernels import bootstrap as shared
from localbundle.kernels.dbutils import Context, DBUtils
from localbundle.lab.display import display
from localbundle.lab.reactive_cells import ReactiveCells
from localbundle.lab.widgets import LiveWidgets
from localbundle.volumes.strict import install_named
from localbundle.workspace.cleanup_guard import guarded
from localbundle.workspace.environment import HOME, OWNER
from localbundle.workspace.processes import new_owner
from localbundle.workspace.resources import open_workspace, server_of
from localbundle.workspace.server import Server, ServerState


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Prepares the kernel in the background: it starts at once, and its first cell waits until it is ready."""
    connection = Connection(shell)
    preparing = threading.Thread(target=connection.prepare, daemon=True)
    preparing.start()

    def before_cell(lines: list[str]) -> list[str]:
        """An input transformer that changes nothing: an error raised here is shown, and the cell does not run."""
        preparing.join()
        connection.connect()
        return lines

    shell.input_transformers_post.append(before_cell)


class Connection:
    """The connection of this kernel to its bundle and Spark server."""

    def __init__(self, shell: Any) -> None:  # noqa: ANN401 - IPython's shell
        self._shell = shell
        self._remote = ""
        self._bundle: Bundle | None = None

    def prepare(self) -> None:
        """Does the slow part of connecting; `connect` raises its errors."""
        shared.warm()
        with contextlib.suppress(BundleError):
            self._server()

    def connect(self) -> None:
        """Opens the Spark session, once, in the thread that runs the cells.

        Raises:
            BundleError: there is no bundle or no Spark, or Spark is not the same one as before.
        """
        bundle, state = self._server()
        if not self._remote:
            os.environ.update(_server(bundle).environment(state))
            install_named(os.environ)  # a kernel that VS Code started does not have it in its environment
            shared.connect(state.remote, [])
            self._remote = state.remote
            self._define_names(bundle)
        elif state.remote != self._remote:
            raise BundleError("the Spark of this kernel has ended and another one is running; restart the kernel")

    def _server(self) -> tuple[Bundle, ServerState]:
        if self._bundle is None:
            home = os.environ.get(HOME)
            root, target = (Path(home).parents[1], Path(home).name) if home else (find_root(Path.cwd()), None)
            self._bundle = load_bundle(root, target)
        bundle, server = self._bundle, _server(self._bundle)
        if OWNER not in os.environ:
            _start(bundle, server)
        state = server.state()
        if state is None:
            again = "restart the kernel" if self._remote else "run this cell again"
            raise BundleError(
                f"Spark is not running for target {bundle.target}; `localbundle up -t {bundle.target}`, then {again}"
            )
        return bundle, state

    def _define_names(self, bundle: Bundle) -> None:
        context = Context(task="", folder=os.getcwd(), run_folder="", home=str(bundle.home.resolve()))
        widgets = LiveWidgets(bundle, self._shell, ReactiveCells(self._shell))
        shared.offer(DBUtils(context, widgets), display)
        self._shell.register_magic_function(_pip, "line", "pip")


def _server(bundle: Bundle) -> Server:
    return server_of(bundle)


def _start(bundle: Bundle, server: Server) -> None:
    """Finds or starts the server and uses it until this kernel ends; a guard ends the use if the kernel is killed."""
    owner = new_owner()
    with contextlib.ExitStack() as stack:
        stack.enter_context(guarded(bundle.home, owner))
        stack.callback(server.release)
        open_workspace(bundle, server, lambda note: None, owner)
        atexit.register(stack.pop_all().close)
    os.environ[OWNER] = owner


def _pip(line: str) -> None:
    """`%pip` with a note: it installs permanently, and on Databricks for one session only.

    Through a pipe: IPython's own reads a pseudo-terminal, and on a busy machine loses what a short command printed.

    Raises:
        BundleError: pip failed.
    """
    print(f"%pip changes {sys.prefix} for all notebooks; add what a job needs to its environment")
    words = [sys.executable, "-m", "pip", *shlex.split(line)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for printed in process.stdout or ():
            print(printed, end="")
    if process.returncode:
        raise BundleError(f"%pip {line} failed; see its output above")
