"""The kernel "local workspace": IPython loads this module before a notebook's first cell.

Under `localbundle lab` Spark runs already. A kernel that VS Code starts finds the bundle that its notebook lies in,
and finds or starts the Spark of its default target; that stops with its last user.
"""

import atexit
import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

from localbundle.definitions.bundle import Bundle, find_root, load_bundle
from localbundle.errors import BundleError
from localbundle.kernels import bootstrap as shared
from localbundle.kernels.dbutils import Context, DBUtils
from localbundle.lab.display import display
from localbundle.lab.open_workspace import open_workspace
from localbundle.lab.reactive_cells import Readers
from localbundle.lab.widgets import LiveWidgets
from localbundle.volumes.strict import install_named
from localbundle.workspace.cleanup_guard import guarded
from localbundle.workspace.processes import OWNER_VARIABLE, new_owner
from localbundle.workspace.server import Server, ServerState


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Makes the kernel ready, behind its back: it answers at once, and its first cell waits for the rest."""
    place = Place(shell)
    preparing = threading.Thread(target=place.prepare, daemon=True)
    preparing.start()

    def before_cell(lines: list[str]) -> list[str]:
        """A transformer that changes no cell: an error raised here is shown, and the cell does not begin."""
        preparing.join()
        place.connect()
        return lines

    shell.input_transformers_post.append(before_cell)


class Place:
    """The bundle and the Spark server of this kernel."""

    def __init__(self, shell: Any) -> None:  # noqa: ANN401 - IPython's shell
        self._shell = shell
        self._remote = ""
        self._bundle: Bundle | None = None

    def prepare(self) -> None:
        """Does what takes seconds. What stands in the way is told by `connect`."""
        shared.warm()
        with contextlib.suppress(BundleError):
            self._server()

    def connect(self) -> None:
        """Opens the Spark session, once, in the thread that runs the cells.

        Raises:
            BundleError: there is no bundle or no Spark, or Spark is another one than before.
        """
        bundle, state = self._server()
        if not self._remote:
            os.environ.update(_server(bundle).environment(state))
            install_named(os.environ)  # a kernel that VS Code started has no such environment from its start
            shared.connect(state.remote, [])
            self._remote = state.remote
            self._offer(bundle)
        elif state.remote != self._remote:
            raise BundleError("the Spark of this kernel ended and another one runs; restart the kernel")

    def _server(self) -> tuple[Bundle, ServerState]:
        if self._bundle is None:
            home = os.environ.get("LOCALBUNDLE_HOME")
            root, target = (Path(home).parents[1], Path(home).name) if home else (find_root(Path.cwd()), None)
            self._bundle = load_bundle(root, target)
        bundle, server = self._bundle, _server(self._bundle)
        if OWNER_VARIABLE not in os.environ:
            _hold(bundle, server)
        state = server.state()
        if state is None:
            again = "restart the kernel" if self._remote else "run this cell again"
            raise BundleError(
                f"Spark is not running for target {bundle.target}; `localbundle up -t {bundle.target}`, then {again}"
            )
        return bundle, state

    def _offer(self, bundle: Bundle) -> None:
        context = Context(task="", folder=os.getcwd(), run_folder="", home=str(bundle.home.resolve()))
        widgets = LiveWidgets(bundle, self._shell, Readers(self._shell))
        shared.offer(DBUtils(context, widgets), display)
        self._shell.register_magic_function(_telling(self._shell.find_line_magic("pip")), "line", "pip")


def _server(bundle: Bundle) -> Server:
    return Server(bundle.home, strict_volumes=bundle.strict_volumes)


def _hold(bundle: Bundle, server: Server) -> None:
    """Finds or starts the server and holds it for this kernel's life; a guard lets it go if the kernel is killed."""
    owner = new_owner()
    with contextlib.ExitStack() as held:
        held.enter_context(guarded(bundle.home, owner))
        held.callback(server.release)
        open_workspace(bundle, server, lambda note: None, owner)
        atexit.register(held.pop_all().close)
    os.environ[OWNER_VARIABLE] = owner


def _telling(pip: Any) -> Any:  # noqa: ANN401 - IPython's magics are untyped
    """`%pip`: installs for good, where Databricks installs for one session."""

    def install(line: str) -> None:
        print(f"%pip changes {sys.prefix} for every notebook here; a job names what it needs in its environment")
        pip(line)

    return install
