"""Commands on runs: run, runs."""

from __future__ import annotations

import json
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localbundle.cli.app import Target, Var, console, errors, escaped, load, pairs, table
from localbundle.console import RunView, mark, print_failure, run_table
from localbundle.definitions.bundle import Bundle, write_resolved
from localbundle.definitions.jobs import Job, job_parameters
from localbundle.definitions.read_job import find_job
from localbundle.definitions.references import LAPTOP_FILE
from localbundle.errors import BundleError
from localbundle.runs.parameter_checks import start_check
from localbundle.runs.record import Recorder, RunRecord, list_runs, new_run, read_run, repaired
from localbundle.workspace.resources import check_resources

if TYPE_CHECKING:
    from localbundle.packages.prepare import TaskEnvironments
    from localbundle.runs.runner import Runner

_EXIT_CODES = {"SUCCESS": 0, "CANCELED": 130}


def run(
    job: Annotated[
        str | None, typer.Argument(metavar="JOB", help="The job's key under resources.jobs.", show_default=False)
    ] = None,
    target: Target = None,
    params: Annotated[
        list[str] | None,
        typer.Option("--params", metavar="NAME=VALUE,...", help="Job parameters, comma-separated (repeatable)."),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="TASKS", help="Run only these tasks: a,+b,c+ (+b adds upstream, c+ adds downstream)."),
    ] = None,
    repair: Annotated[
        int | None, typer.Option(metavar="RUN", help="Run the failed tasks of an earlier run again.")
    ] = None,
    var: Var = None,
    no_install: Annotated[
        bool, typer.Option("--no-install", help="Install no packages; say which the tasks lack.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show localbundle's own stack trace on an error.")] = False,
) -> None:
    """Run a job of the bundle here, or repair an earlier run."""
    try:
        bundle = load(target, var)
        check_resources(bundle)
        write_resolved(bundle)
        given = pairs(params, "--params", split=True)
        if repair is not None:
            definition, folder, record = _repaired(bundle, repair, alone=not (job or given or only))
            environments = _prepare(bundle, definition, install=not no_install)
        else:
            definition, parameters = _chosen(bundle, job, given, only)
            environments = _prepare(bundle, definition, install=not no_install)
            folder, record = new_run(bundle.home, bundle.target, definition, parameters)
    except BundleError:
        if debug:
            errors.print_exception()
        raise
    _print_head(bundle, definition, environments, record)
    record = _run(bundle, definition, environments, folder, record)
    sys.exit(_EXIT_CODES.get(record.state, 1))


def runs(
    run_id: Annotated[
        int | None, typer.Argument(metavar="RUN", help="A run to show in full.", show_default=False)
    ] = None,
    target: Target = None,
) -> None:
    """List the runs of a target, or show one."""
    home = load(target).home
    if run_id is not None:
        _show_run(read_run(home, run_id), home)
        return
    rows = table("run", "job", "state", "started", "seconds")
    for record in list_runs(home):
        started = f"{record.started.astimezone():%Y-%m-%d %H:%M:%S}" if record.started else ""
        rows.add_row(str(record.run_id), record.job, mark(record.state), started, f"{record.seconds:.1f}")
    console.print(rows if rows.row_count else "no runs yet")


def _chosen(bundle: Bundle, key: str | None, given: dict[str, str], only: str | None) -> tuple[Job, dict[str, str]]:
    """A job, or some of its tasks, and its checked parameters."""
    if key is None:
        raise BundleError(f"no job given; run `localbundle run JOB` with one of {', '.join(bundle.jobs)}")
    job = find_job(bundle, key, only)
    checked = start_check(bundle, key, job_parameters(job, given))
    import_module("localbundle.runs.runner")  # 0.2 s, while the check runs
    return job, checked()


def _prepare(bundle: Bundle, job: Job, *, install: bool) -> TaskEnvironments:
    """The environments of the job's tasks; what is installed is printed before it is."""
    from localbundle.packages.prepare import prepare  # other commands need none of it

    with console.status("reading what the tasks install") as status:
        return prepare(
            bundle,
            job,
            lambda note: status.update(escaped(note)),
            lambda line: console.print(escaped(line), highlight=False, soft_wrap=True),
            install=install,
        )


def _repaired(bundle: Bundle, run_id: int, *, alone: bool) -> tuple[Job, Path, RunRecord]:
    """An earlier run, prepared to continue with its own job, tasks and parameters."""
    if not alone:
        raise BundleError("--repair uses the job, tasks and parameters of its run; omit JOB, --params and --only")
    old = read_run(bundle.home, run_id)
    if old.state in ("RUNNING", "QUEUED", "SUCCESS"):
        raise BundleError(f"run {run_id} is {old.state.lower()}; only a failed run can be repaired")
    job = find_job(bundle, old.job, ",".join(old.own_tasks))
    return job, bundle.home / "runs" / str(run_id), repaired(old, job)


def _print_head(bundle: Bundle, job: Job, environments: TaskEnvironments, record: RunRecord) -> None:
    """The run's title, and how it differs from a run on Databricks."""
    again = f", repair {record.repairs}" if record.repairs else ""
    title = f"[bold]{escaped(job.name)}[/] [dim]run {record.run_id}{again}, target {bundle.target}[/]"
    console.print(title, highlight=False)
    if job.ignored:
        note = f"runs on this machine; ignored settings: {', '.join(job.ignored)}"
        console.print(f"[dim]{note}[/]", highlight=False, soft_wrap=True)
    if not bundle.strict_volumes:
        note = f"volumes are plain folders: strict_volumes is false in {LAPTOP_FILE}"
        console.print(f"[dim]{note}[/]", highlight=False, soft_wrap=True)
    if environments.missing:
        note = f"not installed here: {', '.join(environments.missing)}; a task that imports it fails"
        console.print(f"[yellow]{escaped(note)}[/]", highlight=False, soft_wrap=True)


def _run(bundle: Bundle, job: Job, environments: TaskEnvironments, folder: Path, record: RunRecord) -> RunRecord:
    import asyncio  # 0.05 s, which only a run needs

    from localbundle.runs.runner import Runner

    view = RunView(console)
    with view.showing():
        runner = Runner(bundle, job, environments, Recorder(folder, record, view.update), view.progress)
        record = asyncio.run(_interruptible(runner))
    view.finish(record, folder)
    return record


async def _interruptible(runner: Runner) -> RunRecord:
    """Ctrl-C, a closed terminal and SIGTERM cancel the run, which then cleans up."""
    import asyncio

    task = asyncio.ensure_future(runner.run())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


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
    console.print(f"[dim]page with the notebooks: {page}[/]", highlight=False, soft_wrap=True)
