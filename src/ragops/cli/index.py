"""The command line: ragops index list | verify | rollback | gc."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ragops.cli import options
from ragops.cli.options import Schema, Target, UseCaseFile
from ragops.platform import console

index_app = typer.Typer(help="List, verify and roll back generations of the index.", no_args_is_help=True)


@index_app.command("list")
def list_(target: Target = "dev", schema: Schema = None) -> None:
    """List the generations, oldest first, and mark the live one."""
    from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
    from ragops.corpus.index.generations.rollback_and_cleanup import list_generations

    root, terminal = index_root(options.workspace(target, schema)), console.terminal()
    generations = list_generations(root)
    table = Table("generation", "passages", "model", "built (UTC)", "parent", "", box=None)
    for one in generations:
        manifest = one.manifest
        built = f"{manifest.built_at:%Y-%m-%d %H:%M:%S}"
        live = "[green]live[/]" if one.live else ""
        table.add_row(one.name, f"{manifest.count:,}", manifest.model.name, built, manifest.parent or "-", live)
    terminal.print(table if generations else "no generations yet; run: localbundle run refresh", highlight=False)
    for problem in PublishedIndex(root).problems():
        terminal.print(f"[yellow]{escape(problem)}[/]", highlight=False, soft_wrap=True)


@index_app.command()
def verify(target: Target = "dev", schema: Schema = None, usecase: UseCaseFile = None) -> None:
    """Compare the live index with the tables.

    Exit code 1 if they differ.
    """
    from ragops.corpus.index.stage import verify_index

    options.need_spark(target)
    use_case, terminal = options.use_case(usecase), console.terminal()
    corpus = use_case.corpus
    report = verify_index(options.workspace(target, schema), use_case.embedding, corpus.access, corpus.languages)
    terminal.print(f"[{'green' if report.ok else 'red'}]{escape(str(report))}[/]", highlight=False, soft_wrap=True)
    if not report.ok:
        terminal.print(f"[dim]fix it with:[/] localbundle run refresh -t {target}")
        raise typer.Exit(1)


@index_app.command()
def rollback(
    to: Annotated[str | None, typer.Argument(help="Generation (default: the one before the live one).")] = None,
    target: Target = "dev",
    schema: Schema = None,
) -> None:
    """Make an earlier generation the live one.

    The next refresh publishes a new generation.
    """
    from ragops.corpus.index.generations.published_files import PASSAGES, index_root
    from ragops.corpus.index.generations.rollback_and_cleanup import rollback as roll_back
    from ragops.corpus.index.locks.open import publish_lock

    workspace = options.workspace(target, schema)
    lock = publish_lock(workspace, PASSAGES)
    pointer = roll_back(index_root(workspace), to, lock=lock, run_id="ragops index rollback")
    result = f"live now: [bold]{pointer.generation}[/] (before: {pointer.previous})"
    console.terminal().print(result, highlight=False)


@index_app.command()
def gc(target: Target = "dev", schema: Schema = None, usecase: UseCaseFile = None) -> None:
    """Remove old generations and unused vectors.

    The use case says how many generations to keep.
    """
    from ragops.corpus.index.garbage import collect

    options.need_spark(target)
    use_case = options.use_case(usecase)
    removed = collect(options.workspace(target, schema), use_case.embedding, use_case.index.keep_generations)
    console.terminal().print(str(removed), highlight=False)
