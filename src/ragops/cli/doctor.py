"""The command line: ragops doctor, what this environment provides, what is missing and what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Annotated

import typer

from ragops.cli import options
from ragops.cli.options import Json, Schema, Target, UseCaseFile
from ragops.platform import console
from ragops.platform.compute import has_spark
from ragops.platform.workspace import LANDING, VOLUMES

_COULD_NOT_START = 2


def doctor(
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
    gpus: Annotated[bool, typer.Option("--gpus", help="GPUs are required.")] = False,
    no_spark: Annotated[bool, typer.Option("--no-spark", help="Do not start Spark.")] = False,
    as_json: Json = False,
) -> None:
    """Check this environment, and show how to fix what is missing.

    Exit code 1 if something required is missing.
    """
    use_case = options.use_case(usecase)
    if not (no_spark or has_spark()):
        code = _in_local_workspace(target)
        if code != _COULD_NOT_START:
            raise typer.Exit(code)
    from ragops.doctor.checks import Environment, groups
    from ragops.doctor.console import show
    from ragops.doctor.findings import as_rows, examine, missing

    workspace, model, _ = options.deployed_or_default(target, schema)
    models = use_case.models.with_primary(model)
    landing = f"/{VOLUMES}/{workspace.catalog}/{workspace.schema}/{LANDING}"
    environment = Environment(workspace, use_case.model_copy(update={"models": models}), landing, target, gpus)
    sections = examine(groups(environment))
    if as_json:
        found = list(sections)
        typer.echo(json.dumps(as_rows(found)))
    else:
        found = show(console.terminal(), sections)
    code = 1 if missing(found) else 0
    if any(section.hangs for section in found):
        sys.stdout.flush()
        os._exit(code)  # at exit Spark's client, for one, waits for a server that no longer answers
    raise typer.Exit(code)


def _in_local_workspace(target: str) -> int:
    """Runs this command again inside the local workspace, with Spark and strict volumes. Returns its exit code."""
    command = options.local_workspace_command(target)
    return subprocess.call(command) if command else _COULD_NOT_START
