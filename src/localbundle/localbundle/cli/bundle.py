"""Commands on the bundle's definitions: validate, jobs."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from localbundle.cli.app import EXIT_WRONG_USE, Target, Var, console, errors, escaped, load, print_jobs
from localbundle.console import print_findings
from localbundle.definitions.bundle import Bundle, write_resolved
from localbundle.definitions.read_job import find_job, job_errors
from localbundle.errors import BundleError
from localbundle.workspace.resources import check_resources

if TYPE_CHECKING:
    from localbundle.lint.check import Finding


def validate(
    target: Target = None,
    var: Var = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, or json for the resolved bundle.")
    ] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings, too.")] = False,
) -> None:
    """Resolve and lint the bundle, and check that its jobs run here."""
    from localbundle.lint.check import lint

    bundle = load(target, var)
    findings = lint(bundle, check_resources)
    if output == "json":
        typer.echo(json.dumps(bundle.config, indent=2, default=str))
    if findings:
        print_findings(errors if output == "json" else console, findings)
    levels = {finding.level for finding in findings}
    if "error" in levels or (strict and "warning" in levels):
        sys.exit(EXIT_WRONG_USE)
    write_resolved(bundle)
    if output != "json":
        _print_bundle(bundle, findings)


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


def _print_bundle(bundle: Bundle, findings: list["Finding"]) -> None:
    console.print(f"bundle [bold]{bundle.name}[/], target [bold]{bundle.target}[/], {bundle.root}", highlight=False)
    for kind, resources in bundle.config["resources"].items():
        if resources and kind != "jobs":
            names = ", ".join(f"{key} ({resource.get('name', key)})" for key, resource in resources.items())
            console.print(f"  {kind}: {names}", highlight=False, markup=False, soft_wrap=True)
    for key in bundle.jobs:
        if not job_errors(bundle, key):
            print_jobs([find_job(bundle, key)])
    if not findings:
        console.print("[green]no findings[/]")
