"""The command line: ragops prompts list | show | register | compare | optimize."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from ragops.cli import options
from ragops.cli.compare import compare
from ragops.cli.optimize import optimize
from ragops.cli.options import Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console

if TYPE_CHECKING:
    from ragops.answers.prompts.registry import Registered
    from ragops.answers.prompts.template import Template
    from ragops.answers.prompts.template_files import PromptSettings

prompts_app = typer.Typer(help="Manage prompt templates and their versions in MLflow.", no_args_is_help=True)
prompts_app.command()(compare)
prompts_app.command()(optimize)


@prompts_app.command("list")
def list_(target: Target = "dev", schema: Schema = None, usecase: UseCaseFile = None) -> None:
    """List the templates, and mark those that the use case uses."""
    settings, templates = _templates(usecase)
    versions, note = _versions(list(templates), target, schema)
    names = Column("template", min_width=max(map(len, templates)))  # a narrow window cuts other columns first
    table = Table("", names, "technique", "variables", "hash", "version", box=None)
    for name, template in templates.items():
        chosen = "*" if name in (settings.answer, settings.rewrite) else ""
        variables = ", ".join(template.variables)
        version = _version(versions.get(name), template)
        table.add_row(chosen, name, template.technique, variables, template.content_hash[:8], version)
    terminal = console.terminal()
    terminal.print(table)
    terminal.print(f"[dim]* used by usecase.yml{escape(note)}[/]", highlight=False, soft_wrap=True)


@prompts_app.command()
def show(
    name: Annotated[str, typer.Argument(help="Template (list them with: ragops prompts list).")],
    usecase: UseCaseFile = None,
) -> None:
    """Show the messages that a model gets, for an example question and passages."""
    from ragops.answers.prompts.render import example_request, render
    from ragops.answers.prompts.template_files import find

    settings, templates = _templates(usecase)
    template, terminal = find(templates, name), console.terminal()
    terminal.print(f"[bold]{name}[/] ({template.technique}): {escape(template.description)}", highlight=False)
    for message in render(template, example_request(template, settings.values_for(template))):
        terminal.print(f"\n[cyan]{message.role}[/]")
        terminal.print(message.content, markup=False, highlight=False, soft_wrap=True)
    if template.response_schema is not None:
        terminal.print("\n[cyan]JSON Schema of the answer[/]")
        terminal.print_json(json.dumps(template.response_schema))


@prompts_app.command()
def register(
    names: Annotated[list[str] | None, typer.Argument(help="Templates (default: all).")] = None,
    alias: Annotated[str | None, typer.Option("--alias", help="Point this alias to the versions.")] = None,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Register templates whose content differs from the newest version."""
    from ragops.answers.prompts.template_files import find

    _, templates = _templates(usecase)
    chosen = [find(templates, name) for name in names or templates]
    registry, terminal = options.registry(target, schema), console.terminal()
    for template in chosen:
        one = registry.register(template, alias)
        state = "[green]new[/]" if one.is_new else "unchanged"
        terminal.print(f"{one.uri} {state} {escape(', '.join(one.aliases))}".rstrip(), highlight=False, soft_wrap=True)


def _templates(usecase: Path | None) -> tuple[PromptSettings, dict[str, Template]]:
    use_case = options.use_case(usecase)
    return use_case.prompts, options.templates(use_case)


def _versions(names: list[str], target: str, schema: str | None) -> tuple[dict[str, Registered | None], str]:
    """The newest versions by name, and a note if no registry is available: the files are listed anyway."""
    try:
        registry = options.registry(target, schema)
        return {name: registry.newest(name) for name in names}, ""
    except UserError as error:
        return {}, f"; no registry: {error}"


def _version(newest: Registered | None, template: Template) -> str:
    if newest is None:
        return "-"
    differs = "" if newest.content_hash == template.content_hash else " [yellow](different text)[/]"
    return f"{newest.version}{differs} {escape(', '.join(newest.aliases))}".rstrip()
