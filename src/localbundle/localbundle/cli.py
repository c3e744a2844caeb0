"""The command line: `localbundle run JOB -t TARGET` and what goes with it."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from localbundle.console import RunView, mark, print_failure, print_findings, run_table
from localbundle.definitions.bundle import Bundle, find_root, load_bundle, write_resolved
from localbundle.definitions.jobs import Job, find_job, job_parameters, select_tasks
from localbundle.definitions.laptop import LAPTOP_FILE
from localbundle.errors import BundleError
from localbundle.lab.jupyter import jupyterlab
from localbundle.lab.kernelspec import install_kernel
from localbundle.lab.open_workspace import open_workspace
from localbundle.lint.check import lint
from localbundle.runs.parameter_checks import check_parameters
from localbundle.runs.record import Recorder, RunRecord, list_runs, new_run, read_run, repaired
from localbundle.runs.runner import Runner
from localbundle.runs.wheels import missing_requirements
from localbundle.workspace.cleanup_guard import guarded
from localbundle.workspace.processes import OWNER_VARIABLE, new_owner
from localbundle.workspace.resources import check_resources, create_schemas
from localbundle.workspace.server import Server

app = typer.Typer(
    help="Runs the jobs of a Databricks asset bundle on this machine, on real Spark and Delta.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Target = Annotated[str | None, typer.Option("-t", "--target", help="The target; the bundle's default one if left out.")]
Var = Annotated[list[str] | None, typer.Option("--var", "-v", help="A variable's value, NAME=VALUE. May be repeated.")]
_PAIR = re.compile(r"([\w.-]+)=(.*)", re.DOTALL)
_EXIT_WRONG_USE = 2
_EXIT_CANCELED = 130
console = Console()
errors = Console(stderr=True)


def main() -> None:
    """Entry point. Errors a user can fix are one line on stderr and exit code 2."""
    try:
        app()
    except BundleError as error:
        errors.print(f"[red]error:[/] {_escaped(error)}", highlight=False, soft_wrap=True)
        sys.exit(_EXIT_WRONG_USE)


@app.command()
def run(
    job: Annotated[str | None, typer.Argument(help="The job's key under resources.jobs.", show_default=False)] = None,
    target: Target = None,
    params: Annotated[
        list[str] | None, typer.Option("--params", help="Job parameters, NAME=VALUE[,NAME=VALUE...]. May be repeated.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Some tasks: a,+b,c+ (+b: and all before it, c+: all after).")
    ] = None,
    repair: Annotated[int | None, typer.Option(help="An earlier run: what failed in it runs again.")] = None,
    var: Var = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show localbundle's own stack trace on an error.")] = False,
) -> None:
    """Runs a job of the bundle here, or repairs an earlier run."""
    try:
        bundle = _load(target, var)
        check_resources(bundle)
        write_resolved(bundle)
        given = _pairs(params, "--params", split=True)
        if repair is not None:
            definition, folder, begun = _repaired(bundle, repair, alone=not (job or given or only))
        else:
            definition, folder, begun = _begun(bundle, job, given, only)
    except BundleError:
        if debug:
            errors.print_exception()
        raise
    record = _run(bundle, definition, folder, begun)
    sys.exit({"SUCCESS": 0, "CANCELED": _EXIT_CANCELED}.get(record.state, 1))


@app.command("exec", context_settings={"allow_interspersed_args": False})
def execute(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments.")], target: Target = None
) -> None:
    """Runs a command of yours inside the local workspace: Spark is up and its environment is set."""
    bundle = _load(target, None)
    write_resolved(bundle)
    server = Server(bundle.home, strict_volumes=bundle.strict_volumes)
    owner = new_owner()
    with guarded(bundle.home, owner):
        with errors.status("starting Spark") as status:
            state = server.use(lambda note: status.update(note or "ready"), owner=owner)
        try:
            code = subprocess.call(command, env={**os.environ, **server.environment(state), OWNER_VARIABLE: owner})
        except OSError as error:
            raise BundleError(f"{command[0]} cannot be run ({error.strerror}); correct the command") from error
        finally:
            server.release()
    sys.exit(code)


@app.command()
def lab(
    target: Target = None,
    port: Annotated[int | None, typer.Option(help="8888 if it is free, else any.", show_default=False)] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    install: Annotated[
        bool, typer.Option("--install-kernel", help="Install the kernel for VS Code and other Jupyters instead.")
    ] = False,
) -> None:
    """Opens JupyterLab on the bundle's notebooks, with the kernel "local workspace". Ctrl-C ends it."""
    if install:
        console.print(f"kernel [bold]local workspace[/] is in {install_kernel()}", highlight=False, soft_wrap=True)
        return
    bundle = _load(target, None)
    server, owner = Server(bundle.home, strict_volumes=bundle.strict_volumes), new_owner()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with guarded(bundle.home, owner):
        try:
            with errors.status("starting Spark") as status:
                state = open_workspace(bundle, server, status.update, owner)
            _serve(bundle, server.environment(state) | {OWNER_VARIABLE: owner}, port, not no_browser)
        except KeyboardInterrupt:
            console.print("[dim]stopping[/]")
        finally:
            server.release()


def _serve(bundle: Bundle, environment: dict[str, str], port: int | None, browser: bool) -> None:
    notebooks = bundle.root / "notebooks"
    folder = bundle.home / "jupyter"
    shown = notebooks if notebooks.is_dir() else bundle.root
    with jupyterlab(folder, shown, environment, port, browser) as (address, wait):
        console.print(f"JupyterLab on {shown}, target [bold]{bundle.target}[/]", highlight=False, soft_wrap=True)
        console.print(f"  {address}", highlight=False, soft_wrap=True)
        console.print("[dim]Ctrl-C ends it and what it started[/]")
        wait()


@app.command()
def up(target: Target = None, var: Var = None) -> None:
    """Starts this target's Spark server and keeps it, so that runs start at once."""
    bundle = _load(target, var)
    check_resources(bundle)
    write_resolved(bundle)
    with console.status("starting") as status:
        state = Server(bundle.home, strict_volumes=bundle.strict_volumes).use(status.update, keep=True)
        status.update("preparing the catalog")
        create_schemas(bundle, state.remote)
    console.print(f"Spark is up for target [bold]{bundle.target}[/] [dim](pid {state.pid}, port {state.port})[/]")
    console.print(f"[dim]stop it with[/] localbundle down -t {bundle.target}")


@app.command()
def down(target: Target = None) -> None:
    """Stops this target's Spark server and everything it started."""
    bundle = _load(target, None)
    stopped = Server(bundle.home).stop()
    console.print(f"Spark {'is down' if stopped else 'was not running'} for target [bold]{bundle.target}[/]")


@app.command()
def ps() -> None:
    """Lists what runs in this bundle: servers and runs of all targets."""
    table = _table("target", "what", "pid", "detail")
    for home in sorted((find_root(Path.cwd()) / ".localbundle").glob("*")):
        if state := Server(home).state():
            kept = "kept until `localbundle down`" if state.kept else "stops with its last run"
            table.add_row(home.name, "spark", str(state.pid), f"port {state.port}, {kept}")
        for record in list_runs(home):
            if record.state in ("RUNNING", "QUEUED"):
                table.add_row(
                    home.name, f"run {record.run_id}", str(record.pid), f"{record.job}, {record.seconds:.0f} s"
                )
    console.print(table if table.row_count else "nothing runs")


@app.command()
def validate(
    target: Target = None,
    var: Var = None,
    output: Annotated[str, typer.Option("-o", "--output", help="text or json")] = "text",
) -> None:
    """Resolves the bundle for a target, looks for faults, and checks that its jobs can run here."""
    unresolved: list[BundleError] = []
    bundle = load_bundle(find_root(Path.cwd()), target, _pairs(var, "--var"), unresolved.append)
    findings = lint(bundle, unresolved, check_resources)
    if output == "json":
        typer.echo(json.dumps(bundle.config, indent=2, default=str))
    if findings:
        print_findings(errors if output == "json" else console, findings)
    if any(not finding.is_note for finding in findings):
        sys.exit(_EXIT_WRONG_USE)
    write_resolved(bundle)
    if output != "json":
        _print_bundle(bundle)


def _print_bundle(bundle: Bundle) -> None:
    console.print(f"bundle [bold]{bundle.name}[/], target [bold]{bundle.target}[/], {bundle.root}", highlight=False)
    for kind, resources in bundle.config["resources"].items():
        if resources and kind != "jobs":
            names = ", ".join(f"{key} ({resource.get('name', key)})" for key, resource in resources.items())
            console.print(f"  {kind}: {names}", highlight=False, markup=False, soft_wrap=True)
    _print_jobs([find_job(bundle, key) for key in bundle.jobs])
    console.print("[green]no findings[/]")


@app.command()
def jobs(target: Target = None, var: Var = None) -> None:
    """Lists the bundle's jobs with their parameters; of one that cannot run here, why."""
    bundle = _load(target, var)
    definitions = []
    for key in bundle.jobs:
        try:
            definitions.append(find_job(bundle, key))
        except BundleError as error:
            errors.print(f"[yellow]{_escaped(error)}[/]", highlight=False, soft_wrap=True)
    _print_jobs(definitions)


@app.command()
def runs(
    run_id: Annotated[int | None, typer.Argument(help="A run to show in full.")] = None, target: Target = None
) -> None:
    """Lists the runs of a target, or shows one."""
    home = _load(target, None).home
    if run_id is not None:
        _show_run(read_run(home, run_id), home)
        return
    table = _table("run", "job", "state", "started", "seconds")
    for record in list_runs(home):
        started = f"{record.started.astimezone():%Y-%m-%d %H:%M:%S}" if record.started else ""
        table.add_row(str(record.run_id), record.job, mark(record.state), started, f"{record.seconds:.1f}")
    console.print(table if table.row_count else "no runs yet")


def _show_run(record: RunRecord, home: Path) -> None:
    console.print(f"run {record.run_id} of [bold]{record.job}[/], target {record.target}: ", mark(record.state))
    for name, value in record.parameters.items():
        console.print(f"  {name} = {value}", highlight=False, markup=False)
    console.print(run_table(record))
    for task in record.tasks.values():
        for name, value in task.values.items():
            console.print(f"  {task.task_key}.{name} = {json.dumps(value)}", highlight=False, markup=False)
        if task.failure:
            print_failure(console, task)
    page = home / "runs" / str(record.run_id) / "index.html"
    console.print(f"[dim]its page, with the notebooks: {page}[/]", highlight=False, soft_wrap=True)


def _begun(bundle: Bundle, key: str | None, given: dict[str, str], only: str | None) -> tuple[Job, Path, RunRecord]:
    """A new run of a job, or of some of its tasks."""
    if key is None:
        raise BundleError(f"no job is named; write localbundle run JOB with one of {', '.join(bundle.jobs)}")
    job = find_job(bundle, key)
    parameters = job_parameters(job, given)
    job = select_tasks(job, only) if only else job
    parameters = check_parameters(bundle, key, parameters)
    return job, *new_run(bundle.home, bundle.target, job, parameters)


def _repaired(bundle: Bundle, run_id: int, *, alone: bool) -> tuple[Job, Path, RunRecord]:
    """An earlier run, made ready to go on with its own job, tasks and parameters."""
    if not alone:
        raise BundleError("--repair takes its run's job, tasks and parameters; leave JOB, --params and --only out")
    old = read_run(bundle.home, run_id)
    if old.state in ("RUNNING", "QUEUED", "SUCCESS"):
        raise BundleError(f"run {run_id} is {old.state.lower()}; a repair is for a run that failed")
    job = select_tasks(find_job(bundle, old.job), ",".join(old.own_tasks))
    return job, bundle.home / "runs" / str(run_id), repaired(old, job)


def _run(bundle: Bundle, job: Job, folder: Path, record: RunRecord) -> RunRecord:
    again = f", repair {record.repairs}" if record.repairs else ""
    title = f"[bold]{_escaped(job.name)}[/] [dim]run {record.run_id}{again}, target {bundle.target}[/]"
    console.print(title, highlight=False)
    if job.ignored:
        console.print(
            f"[dim]runs on this machine; left aside: {', '.join(job.ignored)}[/]", highlight=False, soft_wrap=True
        )
    if not bundle.strict_volumes:
        result = f"volumes are plain folders: strict_volumes is false in {LAPTOP_FILE}"
        console.print(f"[dim]{result}[/]", highlight=False, soft_wrap=True)
    if missing := missing_requirements(job):
        result = f"not installed here: {', '.join(missing)}; a task that imports it fails"
        console.print(f"[yellow]{_escaped(result)}[/]", highlight=False, soft_wrap=True)
    view = RunView(console)
    with view.showing():
        runner = Runner(bundle, job, Recorder(folder, record, view.listen), view.progress)
        record = asyncio.run(_interruptible(runner))
    view.finish(record, folder)
    return record


async def _interruptible(runner: Runner) -> RunRecord:
    """Ctrl-C, a closed terminal and a polite kill cancel the run, which then cleans up."""
    task = asyncio.ensure_future(runner.run())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def _load(target: str | None, var: list[str] | None) -> Bundle:
    return load_bundle(find_root(Path.cwd()), target, _pairs(var, "--var"))


def _pairs(given: list[str] | None, option: str, *, split: bool = False) -> dict[str, str]:
    """NAME=VALUE options. With `split` one option may hold several; a comma inside a value is kept."""
    pairs = {}
    for text in given or []:
        for part in re.split(r",(?=[\w.-]+=)", text) if split else [text]:
            match = _PAIR.fullmatch(part)
            if match is None:
                raise BundleError(f"{option} {part}: is not NAME=VALUE; write {option} NAME=VALUE")
            pairs[match[1]] = match[2]
    return pairs


def _print_jobs(definitions: list[Job]) -> None:
    for job in definitions:
        order = " → ".join(task.task_key for task in job.tasks)
        console.print(f"[bold]{job.key}[/]  {order}", highlight=False, soft_wrap=True)
        for name, value in job.parameters.items():
            console.print(f"  {name}=[dim]{_escaped(value)}[/]", highlight=False, soft_wrap=True)


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading)
    return table


def _escaped(text: object) -> str:
    return str(text).replace("[", r"\[")
