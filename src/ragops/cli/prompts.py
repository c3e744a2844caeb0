"""The command line: ragops prompts list | show | register | compare | optimize."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from ragops.cli import options
from ragops.cli.compare import compare
from ragops.cli.optimize import optimize
from ragops.cli.options import Schema, Target, UseCaseFile
from ragops.errors import UserError

if TYPE_CHECKING:
    from ragops.answers.prompts.registry import Registered
    from ragops.answers.prompts.template import Template
    from ragops.answers.prompts.template_files import PromptSettings

prompts_app = typer.Typer(help="The prompt templates, and their versions in MLflow's registry.", no_args_is_help=True)
prompts_app.command()(compare)
prompts_app.command()(optimize)
console = Console()


@prompts_app.command("list")
def list_(target: Target = "dev", schema: Schema = None, usecase: UseCaseFile = None) -> None:
    """Lists the templates; those that the use case has chosen are marked."""
    settings, templates = _templates(usecase)
    versions, note = _versions(list(templates), target, schema)
    names = Column("template", min_width=max(map(len, templates)))  # a narrow window cuts others first
    table = Table("", names, "technique", "variables", "hash", "version", box=None)
    for name, template in templates.items():
        chosen = "*" if name in (settings.answer, settings.rewrite) else ""
        variables = ", ".join(template.variables)
        held = _shown(versions.get(name), template)
        table.add_row(chosen, name, template.technique, variables, template.content_hash[:8], held)
    console.print(table)
    console.print(f"[dim]* chosen in usecase.yml{escape(note)}[/]", highlight=False, soft_wrap=True)


@prompts_app.command()
def show(
    name: Annotated[str, typer.Argument(help="A template; `ragops prompts list` names them.")],
    usecase: UseCaseFile = None,
) -> None:
    """Shows what a model is sent, for an example question over example passages."""
    from ragops.answers.prompts.render import example_request, render
    from ragops.answers.prompts.template_files import find

    settings, templates = _templates(usecase)
    template = find(templates, name)
    console.print(f"[bold]{name}[/] ({template.technique}): {escape(template.description)}", highlight=False)
    for message in render(template, example_request(template, settings.values_for(template))):
        console.print(f"\n[cyan]{message.role}[/]")
        console.print(message.content, markup=False, highlight=False, soft_wrap=True)
    if template.response_schema is not None:
        console.print("\n[cyan]answer's JSON Schema[/]")
        console.print_json(json.dumps(template.response_schema))


@prompts_app.command()
def register(
    names: Annotated[list[str] | None, typer.Argument(help="Templates; all by default.")] = None,
    alias: Annotated[str | None, typer.Option("--alias", help="Let this alias point to the versions.")] = None,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Registers templates whose content is not the newest version's."""
    from ragops.answers.prompts.template_files import find

    _, templates = _templates(usecase)
    chosen = [find(templates, name) for name in names or templates]
    registry = options.registry(target, schema)
    for template in chosen:
        one = registry.register(template, alias)
        state = "[green]new[/]" if one.is_new else "unchanged"
        console.print(f"{one.uri} {state} {escape(', '.join(one.aliases))}".rstrip(), highlight=False, soft_wrap=True)


def _templates(use_case: Path | None) -> tuple[PromptSettings, dict[str, Template]]:
    return options.use_case(use_case).prompts, options.templates(use_case)


def _versions(names: list[str], target: str, schema: str | None) -> tuple[dict[str, Registered | None], str]:
    """Newest versions by name, and why there are none where no registry is at hand: files are shown all the same."""
    try:
        registry = options.registry(target, schema)
        return {name: registry.newest(name) for name in names}, ""
    except UserError as error:
        return {}, f"; no registry: {error}"


def _shown(held: Registered | None, template: Template) -> str:
    if held is None:
        return "-"
    other = "" if held.content_hash == template.content_hash else " [yellow](another text)[/]"
    return f"{held.version}{other} {escape(', '.join(held.aliases))}".rstrip()
