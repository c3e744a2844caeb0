"""The command line: ragops feedback list | export."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ragops.cli import options
from ragops.cli.options import Json, Schema, Target
from ragops.platform import console

if TYPE_CHECKING:
    from ragops.quality.feedback.review import Reviewed

feedback_app = typer.Typer(help="What people think of answers.", no_args_is_help=True)

_Thumb = Annotated[Literal["up", "down"] | None, typer.Option("--verdict", help="Only these verdicts: up or down.")]
_Since = Annotated[
    datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="Only those given on this day (UTC) or later.")
]
_All = Annotated[bool, typer.Option("--all", help="Also verdicts that the same person has changed.")]


@feedback_app.command("list")
def list_(
    target: Target = "dev",
    schema: Schema = None,
    verdict: _Thumb = None,
    since: _Since = None,
    every: _All = False,
    as_json: Json = False,
) -> None:
    """List verdicts, newest first.

    Of each person and answer the latest counts.
    """
    from ragops.quality.feedback.console import show_verdicts

    found = _verdicts(target, schema, verdict, since, every)
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in found]))
    else:
        show_verdicts(console.terminal(), found)


@feedback_app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A question set to be completed (.jsonl), or a table (.csv).")],
    target: Target = "dev",
    schema: Schema = None,
    verdict: _Thumb = None,
    since: _Since = None,
    every: _All = False,
) -> None:
    """Write verdicts to a file: question, verdict, comment, answer, passages."""
    from ragops.quality.feedback.export import check_format, export_verdicts

    check_format(file)
    count = export_verdicts(_verdicts(target, schema, verdict, since, every), file)
    console.terminal().print(f"{count:,} verdicts in {file}", highlight=False, markup=False, soft_wrap=True)


def _verdicts(
    target: str, schema: str | None, verdict: Literal["up", "down"] | None, since: datetime | None, every: bool
) -> list[Reviewed]:
    options.need_spark(target)
    from ragops.quality.feedback.review import verdicts

    moment = since.replace(tzinfo=UTC) if since else None
    return verdicts(options.workspace(target, schema), verdict=verdict, since=moment, every=every)
