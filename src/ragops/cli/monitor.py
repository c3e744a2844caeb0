"""The command line: ragops monitor, what is wrong with the running system."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragops.cli import options
from ragops.cli.options import Json, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.deployment import deployed_model
from ragops.platform.mlflow_store import use_mlflow
from ragops.platform.workspace import LANDING

if TYPE_CHECKING:
    from ragops.monitoring.stage import Monitored
    from ragops.monitoring.system.read import Place


def monitor(
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
    landing: Annotated[
        Path | None, typer.Option("--landing", help="Folder of documents (default: the schema's volume).")
    ] = None,
    look_only: Annotated[bool, typer.Option("--look-only", help="Write neither findings nor the status page.")] = False,
    as_json: Json = False,
) -> None:
    """Look for faults of the running system, and show what to do.

    The job monitor does the same. Exit code 1 if a finding of high severity
    is open.
    """
    place = _place(target, schema, usecase, landing)
    options.need_spark(target)
    with suppress(UserError):  # a store that cannot be read is a finding
        use_mlflow(target)
    from ragops.monitoring.stage import monitor as run

    with console.messages().status("reading the system"):
        done = run(place, write=not look_only)
    _show(done, as_json)
    if not look_only:
        from ragops.jobs.monitor import published_page

        _, path = published_page(place.workspace, done)
        console.messages().print(f"status page: {path}", highlight=False, soft_wrap=True)
    if done.high:
        raise typer.Exit(1)


def _place(target: str, schema: str | None, usecase: Path | None, landing: Path | None) -> Place:
    from ragops.assembly import encoder_recipe
    from ragops.monitoring.system.read import Place
    from ragops.platform.workspace import models_folder

    own, workspace = options.use_case(usecase), options.workspace(target, schema)
    use_case = own.model_copy(update={"models": own.models.with_primary(deployed_model(target))})
    return Place(
        workspace=workspace,
        use_case=use_case,
        landing=landing or workspace.volume(LANDING),
        files=own.folder,
        target=target,
        encoder=encoder_recipe(use_case, models_folder(workspace), "openvino"),
    )


def _show(done: Monitored, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(done.as_json()))
        return
    from ragops.monitoring.report.console import show_findings, show_steps

    terminal = console.terminal()
    show_findings(terminal, done.findings, done.updated.closed, done.system.now)
    show_steps(terminal, done.steps)
    terminal.print(str(done), highlight=False, soft_wrap=True)
