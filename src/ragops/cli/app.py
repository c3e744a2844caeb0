"""The command line: ragops ask | search | index | documents | prompts | models | evaluate | sample | doctor."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ragops.cli import options
from ragops.cli.ask import ask
from ragops.cli.doctor import doctor
from ragops.cli.evaluate import evaluate_app
from ragops.cli.models import models_app
from ragops.cli.options import Json, Schema, Target, UseCaseFile
from ragops.cli.prompts import prompts_app
from ragops.errors import UserError
from ragops.platform.compute import has_spark
from ragops.platform.workspace import LANDING

app = typer.Typer(
    help="Ask and search, and look after, what the refresh job publishes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
index_app = typer.Typer(help="The generations of the index.", no_args_is_help=True)
app.command()(ask)
app.command()(doctor)
app.add_typer(index_app, name="index")
app.add_typer(prompts_app, name="prompts")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(models_app, name="models")
console = Console()
errors = Console(stderr=True)


def main() -> None:
    """Entry point. What a user can fix is one line and exit code 2; --debug shows where it was raised."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    # Chroma imports jsonschema, which compiles a grammar of IRIs where Jupyter is installed: two seconds for nothing.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment] # what import takes for "is not there"
    try:
        app()
    except UserError as error:
        if debug:
            raise
        errors.print(f"[red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    k: Annotated[
        int | None, typer.Option("-k", min=1, max=100, help="How many passages; by default the use case's.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="A group you belong to; may be given again.")] = None,
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Finds the passages that answer a question."""
    from ragops.answers.retrieval.console import as_rows, show_passages
    from ragops.answers.retrieval.validate import check_question
    from ragops.assembly import Locations, open_searcher

    question = check_question(question)
    place = options.place(target, schema)
    use_case = options.use_case(usecase)
    started = time.monotonic()
    searcher = open_searcher(use_case, Locations.of(place))
    opened = time.monotonic()
    found = searcher.search(question, k, group or ())
    took = time.monotonic() - opened
    if as_json:
        typer.echo(json.dumps({"question": question, "generation": searcher.generation, "passages": as_rows(found)}))
        return
    show_passages(console, question, found)
    noun = "passage" if len(found) == 1 else "passages"
    console.print(
        f"[dim]{len(found)} {noun} in {took * 1000:.0f} ms (index {searcher.generation} opened in "
        f"{opened - started:.1f} s)[/]"
    )


@app.command()
def documents(target: Target = "dev", schema: Schema = None) -> None:
    """Counts documents by format, and names those in quarantine with the reason."""
    from ragops.corpus.documents.console import show_documents

    _need_spark(target)
    show_documents(console, options.place(target, schema))


@app.command()
def sample(target: Target = "dev", schema: Schema = None) -> None:
    """Lays the sample corpus, Python's own language reference in mixed formats, into the landing volume."""
    from ragops.demo.corpus import write_corpus

    landing = options.place(target, schema).volume(LANDING)
    with console.status("writing the sample corpus"):
        written = write_corpus(landing)
    console.print(f"{len(written)} documents in {landing}", highlight=False, soft_wrap=True)


@index_app.command("list")
def list_(target: Target = "dev", schema: Schema = None) -> None:
    """Lists the generations, oldest first; the live one is marked."""
    from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
    from ragops.corpus.index.generations.rollback_and_cleanup import list_generations

    root = index_root(options.place(target, schema))
    generations = list_generations(root)
    table = Table("generation", "passages", "model", "built (UTC)", "parent", "", box=None)
    for one in generations:
        m = one.manifest
        built = f"{m.built_at:%Y-%m-%d %H:%M:%S}"
        live = "[green]live[/]" if one.live else ""
        table.add_row(one.name, f"{m.count:,}", m.model.name, built, m.parent or "-", live)
    console.print(table if generations else "no generations yet; run: localbundle run refresh", highlight=False)
    for problem in PublishedIndex(root).problems():
        console.print(f"[yellow]{escape(problem)}[/]", highlight=False, soft_wrap=True)


@index_app.command()
def verify(target: Target = "dev", schema: Schema = None, usecase: UseCaseFile = None) -> None:
    """Compares the live index with the tables; exit code 1 when they differ."""
    from ragops.corpus.index.stage import verify_index

    _need_spark(target)
    use_case = options.use_case(usecase)
    report = verify_index(options.place(target, schema), use_case.embedding, use_case.corpus.access)
    console.print(f"[{'green' if report.ok else 'red'}]{escape(str(report))}[/]", highlight=False, soft_wrap=True)
    if not report.ok:
        console.print(f"[dim]fix it with:[/] localbundle run refresh -t {target}")
        raise typer.Exit(1)


@index_app.command()
def rollback(
    to: Annotated[str | None, typer.Argument(help="A generation; by default the one before the live one.")] = None,
    target: Target = "dev",
    schema: Schema = None,
) -> None:
    """Moves the pointer to an earlier generation. The next refresh publishes a new one."""
    from ragops.corpus.index.generations.published_files import PASSAGES, index_root
    from ragops.corpus.index.generations.rollback_and_cleanup import rollback as roll_back
    from ragops.corpus.index.locks.open import publish_lock

    place = options.place(target, schema)
    lock = publish_lock(place, PASSAGES)
    pointer = roll_back(index_root(place), to, lock=lock, run_id="ragops index rollback")
    console.print(f"live now: [bold]{pointer.generation}[/] (before: {pointer.previous})", highlight=False)


@index_app.command()
def gc(target: Target = "dev", schema: Schema = None, usecase: UseCaseFile = None) -> None:
    """Removes generations beyond those the use case keeps, and vectors that no chunk or generation uses."""
    from ragops.corpus.index.garbage import collect

    _need_spark(target)
    use_case = options.use_case(usecase)
    removed = collect(options.place(target, schema), use_case.embedding, use_case.index.keep_generations)
    console.print(str(removed), highlight=False)


def _need_spark(target: str) -> None:
    """Runs this command again inside the local workspace when no Spark is at hand."""
    if has_spark():
        return
    localbundle = shutil.which("localbundle", path=str(Path(sys.executable).parent)) or shutil.which("localbundle")
    if localbundle is None:
        raise UserError("Spark: none is at hand; run this inside a workspace, or install localbundle beside ragops")
    command = [localbundle, "exec", "-t", target, "--", sys.executable, "-m", "ragops.cli.app", *sys.argv[1:]]
    sys.stdout.flush()
    os.execv(localbundle, command)


if __name__ == "__main__":
    main()
