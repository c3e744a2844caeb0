"""The command line: ragops evaluate retrieval."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ragops.commands import places
from ragops.commands.places import Card, Schema, Target
from ragops.errors import UserError

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
    from ragops.chunks.tokens import tokenizer_counter
    from ragops.embeddings.model import fingerprint, tokenizer_file
    from ragops.evaluation.retrieval import Evaluator
    from ragops.evaluation.settings_grid import grid, label
    from ragops.evaluation.show import as_rows, criteria, show
    from ragops.index.reader import IndexReader
    from ragops.index.stage import index_root
    from ragops.usecase import evaluation_questions

    place, card = places.place(target, schema), places.card(usecase)
    questions = [one for one in evaluation_questions(card, places.card_file(usecase).parent) if one.answerable]
    if not questions:
        raise UserError("evaluation.questions: the card names none that the corpus answers; give a JSONL file of some")
    reader = IndexReader(index_root(place))
    reader.check_encoder(fingerprint(card.embedding), card.embedding.name)
    evaluator = Evaluator(
        reader.generation(),
        places.query_encoder(place, card),
        tokenizer_counter(tokenizer_file(card.embedding)),
        questions,
        places.reranker(place, card),
    )
    with Console(stderr=True).status("encoding the questions") as status:
        measured = evaluator.evaluate(grid(card.retrieval), lambda settings: status.update(label(settings)))
    checks = list(criteria(measured, card))
    if as_json:
        told = [{"met": met, "criterion": line} for met, line in checks]
        typer.echo(json.dumps({"settings": as_rows(measured, card), "criteria": told}))
    else:
        show(console, measured, card)
        for met, line in checks:
            console.print(f"{'[green]met[/]' if met else '[red]not met[/]'} {escape(line)}", highlight=False)
    reader.close()
    if not all(met for met, _ in checks):
        raise typer.Exit(1)
