"""`ragops doctor`: what this place is, what is missing, and what to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ragops.cli import options
from ragops.cli.options import Json, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform.compute import has_spark
from ragops.platform.deployment import deployed_model
from ragops.platform.workspace import LANDING, VOLUMES, Workspace

_COULD_NOT_START = 2


def doctor(
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
    gpus: Annotated[bool, typer.Option("--gpus", help="There must be GPUs here.")] = False,
    no_spark: Annotated[bool, typer.Option("--no-spark", help="Do not start Spark for it.")] = False,
    as_json: Json = False,
) -> None:
    """Shows what this place is and what is missing, with what to do; exit code 1 when something needed is missing."""
    use_case = options.use_case(usecase)
    if not (no_spark or has_spark()):
        code = _inside(target)
        if code != _COULD_NOT_START:
            raise typer.Exit(code)
    from ragops.doctor.checks import Environment, groups
    from ragops.doctor.console import show
    from ragops.doctor.findings import as_rows, examine, missing

    workspace, models = _workspace(target, schema), use_case.models.with_primary(_model(target))
    landing = f"/{VOLUMES}/{workspace.catalog}/{workspace.schema}/{LANDING}"
    place = Environment(workspace, use_case.model_copy(update={"models": models}), landing, target, gpus)
    sections = examine(groups(place))
    if as_json:
        found = list(sections)
        typer.echo(json.dumps(as_rows(found)))
    else:
        found = show(Console(), sections)
    code = 1 if missing(found) else 0
    if any(section.hangs for section in found):
        sys.stdout.flush()
        os._exit(code)  # Spark's client, for one, waits at the end for what it asked a server that is gone
    raise typer.Exit(code)


def _inside(target: str) -> int:
    """Runs this command again in the local workspace, with Spark and strict volumes; its exit code."""
    localbundle = shutil.which("localbundle", path=str(Path(sys.executable).parent)) or shutil.which("localbundle")
    if localbundle is None:
        return _COULD_NOT_START
    again = [sys.executable, "-m", "ragops.cli.app", *sys.argv[1:]]
    return subprocess.call([localbundle, "exec", "-t", target, "--", *again])


def _workspace(target: str, schema: str | None) -> Workspace:
    """The target's, also where it was never run: what is missing then is in the table."""
    try:
        return options.place(target, schema)
    except UserError:
        return Workspace("spark_catalog", schema or "rag")


def _model(target: str) -> str:
    try:
        return deployed_model(target)
    except UserError:
        return ""
