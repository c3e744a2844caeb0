"""The application, and what its commands share: options, consoles, the loaded bundle."""

import csv
import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from localbundle.definitions.bundle import Bundle, find_root, load_bundle
from localbundle.definitions.jobs import Job
from localbundle.errors import BundleError

app = typer.Typer(
    help="Run the jobs of a Databricks asset bundle on this machine, on real Spark and Delta.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Target = Annotated[
    str | None, typer.Option("-t", "--target", metavar="NAME", help="Target [default: the bundle's default target].")
]
Var = Annotated[
    list[str] | None, typer.Option("--var", "-v", metavar="NAME=VALUE,...", help="Values of variables (repeatable).")
]
EXIT_WRONG_USE = 2
_PAIR = re.compile(r"([\w.-]+)=(.*)", re.DOTALL)
console = Console()
errors = Console(stderr=True)


def main() -> None:
    """Entry point. An error that the user can fix is one line on stderr and exit code 2."""
    try:
        app()
    except BundleError as error:
        errors.print(f"[red]error:[/] {escaped(error)}", highlight=False, soft_wrap=True)
        sys.exit(EXIT_WRONG_USE)


def load(target: str | None, var: list[str] | None = None) -> Bundle:
    """The bundle of the current folder."""
    return load_bundle(find_root(Path.cwd()), target, variables(var))


def variables(given: list[str] | None) -> dict[str, str]:
    """The values of --var. As in the Databricks CLI, one option may contain several; quotes keep a comma in a value."""
    found: dict[str, str] = {}
    for row in csv.reader(given or []):
        for name, value in pairs(row, "--var").items():
            if name in found:
                raise BundleError(f"--var {name} is given twice; keep one of them")
            found[name] = value
    return found


def pairs(given: list[str] | None, option: str, *, split: bool = False) -> dict[str, str]:
    """NAME=VALUE options as a mapping. With `split` one option may contain several; commas in a value are kept."""
    found = {}
    for text in given or []:
        for part in re.split(r",(?=[\w.-]+=)", text) if split else [text]:
            match = _PAIR.fullmatch(part)
            if match is None:
                raise BundleError(f"{option} {part}: is not NAME=VALUE; write {option} NAME=VALUE")
            found[match[1]] = match[2]
    return found


def print_jobs(jobs: list[Job]) -> None:
    """The tasks and the parameters of each job."""
    for job in jobs:
        order = " → ".join(task.task_key for task in job.tasks)
        console.print(f"[bold]{job.key}[/]  {order}", highlight=False, soft_wrap=True)
        for name, value in job.parameters.items():
            console.print(f"  {name}=[dim]{escaped(value)}[/]", highlight=False, soft_wrap=True)


def table(*headings: str) -> Table:
    """An empty table without lines."""
    empty = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for heading in headings:
        empty.add_column(heading)
    return empty


def escaped(text: object) -> str:
    """Text in which rich finds no markup."""
    return str(text).replace("[", r"\[")
