"""The command line: ragops usecase, the criteria of the use case and what was measured."""

from __future__ import annotations

import json

import typer

from ragops.cli import options
from ragops.cli.options import Json, Schema, Target, UseCaseFile
from ragops.platform import console


def usecase(
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
    as_json: Json = False,
) -> None:
    """Show what must hold, and the latest measured value of each.

    Exit code 1 if a criterion fails. One that was not measured is shown as
    such, with the command that measures it, and does not change the code.
    """
    use_case = options.use_case(usecase)
    options.need_spark(target)
    from ragops.quality.criteria.check import check
    from ragops.quality.criteria.console import show_criteria
    from ragops.quality.criteria.store import latest

    found = check(use_case.criteria, latest(options.workspace(target, schema)))
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in found]))
    else:
        show_criteria(console.terminal(), found)
    if any(one.state == "fail" for one in found):
        raise typer.Exit(1)
