"""The command line: ragops evaluate retrieval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ragops.commands import places
from ragops.commands.places import Card, Schema, Target
from ragops.errors import UserError
from ragops.workspace import models_folder

if TYPE_CHECKING:
    from ragops.evaluation.retrieval import Measured
    from ragops.index.generation import Generation
    from ragops.sample.questions import Question
    from ragops.usecase import UseCase
    from ragops.workspace import Workspace

evaluate_app = typer.Typer(help="Measures on the card's evaluation set.", no_args_is_help=True)
console = Console()


@evaluate_app.callback()
def _group() -> None:
    """Measures on the card's evaluation set."""


@evaluate_app.command()
def retrieval(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: Card = None,
) -> None:
    """Compares ways to find passages, and checks the card's success criteria; exit code 1 when one is not met."""
    from ragops.embeddings.model import fingerprint
    from ragops.index.local import index_root
    from ragops.index.reader import IndexReader
    from ragops.usecase import evaluation_questions

    place, card = places.place(target, schema), places.card(usecase)
    questions = [one for one in evaluation_questions(card, places.card_file(usecase).parent) if one.answerable]
    if not questions:
        raise UserError("evaluation.questions: the card names none that the corpus answers; give a JSONL file of some")
    reader = IndexReader(index_root(place))
    reader.check_encoder(fingerprint(card.embedding), card.embedding.name)
    try:
        measured = _measured(place, card, reader.generation(), questions)
    finally:
        reader.close()
    if not _printed(measured, card, as_json):
        raise typer.Exit(1)


def _measured(
    place: Workspace, card: UseCase, generation: Generation, questions: Sequence[Question]
) -> Sequence[Measured]:
    from ragops.assembly import open_reranker, query_encoder
    from ragops.chunks.tokens import tokenizer_counter
    from ragops.embeddings.model import tokenizer_file
    from ragops.evaluation.settings_grid import grid, label

    try:
        from ragops.evaluation.retrieval import Evaluator
    except ModuleNotFoundError as error:
        raise UserError(f"evaluation: package {error.name} is not installed; install ragops[evaluate]") from error
    count_tokens = tokenizer_counter(tokenizer_file(card.embedding))
    encoder, reranker = query_encoder(card, models_folder(place)), open_reranker(card, models_folder(place))
    evaluator = Evaluator(generation, encoder, count_tokens, questions, reranker)
    with Console(stderr=True).status("encoding the questions") as status:
        return evaluator.evaluate(grid(card.retrieval), lambda next_: status.update(label(next_, card.retrieval)))


def _printed(measured: Sequence[Measured], card: UseCase, as_json: bool) -> bool:
    """Prints figures and criteria; returns whether all of these are met."""
    from ragops.evaluation.show import as_rows, criteria, show

    checks = list(criteria(measured, card))
    if as_json:
        told = [{"met": met, "criterion": line} for met, line in checks]
        typer.echo(json.dumps({"settings": as_rows(measured, card), "criteria": told}))
    else:
        show(console, measured, card)
        for met, line in checks:
            console.print(f"{'[green]met[/]' if met else '[red]not met[/]'} {escape(line)}", highlight=False)
    return all(met for met, _ in checks)
