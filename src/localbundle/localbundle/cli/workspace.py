"""Commands on the local workspace of a target: up, down, ps, exec, lab."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from localbundle.cli.app import Target, Var, console, errors, load, table
from localbundle.definitions.bundle import Bundle, find_root, write_resolved
from localbundle.errors import BundleError
from localbundle.runs.record import list_runs
from localbundle.workspace.cleanup_guard import guarded
from localbundle.workspace.environment import OWNER
from localbundle.workspace.processes import new_owner
from localbundle.workspace.resources import open_workspace, server_of
from localbundle.workspace.server import Server


def up(target: Target = None, var: Var = None) -> None:
    """Start Spark and keep it running, so that runs start at once."""
    bundle = load(target, var)
    with console.status("starting") as status:
        server = server_of(bundle)
        state = open_workspace(bundle, server, status.update, keep=True)
    console.print(f"Spark is up for target [bold]{bundle.target}[/] [dim](pid {state.pid}, port {state.port})[/]")
    console.print(f"[dim]stop it with[/] localbundle down -t {bundle.target}")


def down(target: Target = None) -> None:
    """Stop Spark and everything it started."""
    bundle = load(target)
    stopped = Server(bundle.home).stop()
    console.print(f"Spark {'is down' if stopped else 'was not running'} for target [bold]{bundle.target}[/]")


def ps() -> None:
    """List running Spark servers and runs of all targets."""
    rows = table("target", "what", "pid", "detail")
    for home in sorted((find_root(Path.cwd()) / ".localbundle").glob("*")):
        if state := Server(home).state():
            kept = "kept until `localbundle down`" if state.kept else "stops with its last run"
            rows.add_row(home.name, "spark", str(state.pid), f"port {state.port}, {kept}")
        for record in list_runs(home):
            if record.state in ("RUNNING", "QUEUED"):
                detail = f"{record.job}, {record.seconds:.0f} s"
                rows.add_row(home.name, f"run {record.run_id}", str(record.pid), detail)
    console.print(rows if rows.row_count else "nothing is running")


def execute(
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND...", help="The command and its arguments, after --.")
    ],
    target: Target = None,
) -> None:
    """Run a command inside the local workspace.

    Spark is running, and the command finds the environment that tasks find.
    """
    bundle = load(target)
    write_resolved(bundle)
    server = server_of(bundle)
    owner = new_owner()
    with guarded(bundle.home, owner):
        with errors.status("starting Spark") as status:
            state = server.use(lambda note: status.update(note or "ready"), owner=owner)
        try:
            code = subprocess.call(command, env={**os.environ, **server.environment(state), OWNER: owner})
        except OSError as error:
            raise BundleError(f"{command[0]} cannot be run ({error.strerror}); correct the command") from error
        finally:
            server.release()
    sys.exit(code)


def lab(
    target: Target = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Port [default: 8888 if free, else any].", show_default=False)
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    install: Annotated[
        bool, typer.Option("--install-kernel", help="Only install the kernel for VS Code and other Jupyters.")
    ] = False,
) -> None:
    """Open JupyterLab on the bundle's notebooks; Ctrl-C stops it.

    Its kernel, "local workspace", has spark, dbutils, display and widgets.
    """
    if install:
        from localbundle.lab.jupyter import install_kernel

        console.print(f"kernel [bold]local workspace[/] is in {install_kernel()}", highlight=False, soft_wrap=True)
        return
    bundle = load(target)
    server, owner = server_of(bundle), new_owner()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with guarded(bundle.home, owner):
        try:
            with errors.status("starting Spark") as status:
                state = open_workspace(bundle, server, status.update, owner)
            _serve(bundle, server.environment(state) | {OWNER: owner}, port, not no_browser)
        except KeyboardInterrupt:
            console.print("[dim]stopping[/]")
        finally:
            server.release()


def _serve(bundle: Bundle, environment: dict[str, str], port: int | None, browser: bool) -> None:
    from localbundle.lab.jupyter import jupyterlab  # 0.07 s that other commands do not need

    notebooks = bundle.root / "notebooks"
    folder = bundle.home / "jupyter"
    shown = notebooks if notebooks.is_dir() else bundle.root
    with jupyterlab(folder, shown, environment, port, browser) as (address, wait):
        console.print(f"JupyterLab on {shown}, target [bold]{bundle.target}[/]", highlight=False, soft_wrap=True)
        console.print(f"  {address}", highlight=False, soft_wrap=True)
        console.print("[dim]Ctrl-C stops it and everything it started[/]")
        wait()
