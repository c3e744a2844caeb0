"""Commands on the bundle's definitions: validate, jobs."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from localbundle.cli.app import EXIT_WRONG_USE, Target, Var, console, errors, escaped, load, pairs, print_jobs
from localbundle.console import print_findings
from localbundle.definitions.bundle import Bundle, find_root, load_bundle, write_resolved
from localbundle.definitions.read_job import find_job
from localbundle.errors import BundleError
from localbundle.workspace.resources import check_resources


def validate(
    target: Target = None,
    var: Var = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, or json for the resolved bundle.")
    ] = "text",
) -> None:
    """Resolve and lint the bundle, and check that its jobs run here."""
    from localbundle.lint.check import lint

    unresolved: list[BundleError] = []
    bundle = load_bundle(find_root(Path.cwd()), target, pairs(var, "--var"), unresolved.append)
    findings = lint(bundle, unresolved, check_resources)
    if output == "json":
        typer.echo(json.dumps(bundle.config, indent=2, default=str))
    if findings:
        print_findings(errors if output == "json" else console, findings)
    if any(not finding.is_note for finding in findings):
        sys.exit(EXIT_WRONG_USE)
    write_resolved(bundle)
    if output != "json":
        _print_bundle(bundle)


def jobs(target: Target = None, var: Var = None) -> None:
    """List the jobs and their parameters."""
    bundle = load(target, var)
    found = []
    for key in bundle.jobs:
        try:
            found.append(find_job(bundle, key))
        except BundleError as error:
            errors.print(f"[yellow]{escaped(error)}[/]", highlight=False, soft_wrap=True)
    print_jobs(found)


def _print_bundle(bundle: Bundle) -> None:
    console.print(f"bundle [bold]{bundle.name}[/], target [bold]{bundle.target}[/], {bundle.root}", highlight=False)
    for kind, resources in bundle.config["resources"].items():
        if resources and kind != "jobs":
            names = ", ".join(f"{key} ({resource.get('name', key)})" for key, resource in resources.items())
            console.print(f"  {kind}: {names}", highlight=False, markup=False, soft_wrap=True)
    print_jobs([find_job(bundle, key) for key in bundle.jobs])
    console.print("[green]no findings[/]")
