"""`ragops models`: the models on the card, and what each may and can do here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ragops.commands import places
from ragops.commands.places import Card
from ragops.workspace import Workspace

if TYPE_CHECKING:
    from ragops.llms.settings import AnyModel, Models

_COLOURS = {"as it is": "green", "without personal data": "yellow", "not at all": "red"}


def show_models(
    model: Annotated[str, typer.Option("--model", help="As if this one were the primary.")] = "",
    catalog: Annotated[str, typer.Option("--catalog", help="For paths of volumes.")] = "spark_catalog",
    schema: Annotated[str, typer.Option("--schema", help="For paths of volumes.")] = "rag",
    usecase: Card = None,
) -> None:
    """Lists the card's models: who answers, what policy lets them see, whether they are to be had here, and prices."""
    from ragops.llms.availability import why_unavailable
    from ragops.llms.policy import Policy

    card = places.card(usecase)
    models, policy = card.models.with_primary(model), Policy(card.corpus.classification)
    table = Table("model", "provider", "answers", f"{card.corpus.classification} text", "here", "price", box=None)
    for one in models.known:
        handling = policy.handling(one)
        reason = why_unavailable(one, Workspace(catalog, schema))
        here = f"[red]{escape(reason)}[/]" if reason else "[green]yes[/]"
        seen = f"[{_COLOURS[handling]}]{handling}[/]"
        table.add_row(one.name, one.provider, _role(models, one.name), seen, here, _price(one))
    Console().print(table, highlight=False)


def _role(models: Models, name: str) -> str:
    chain = [one.name for one in models.chain()]
    if name not in chain:
        return "-"
    return f"fallback {chain.index(name)}" if chain.index(name) else "first"


def _price(model: AnyModel) -> str:
    parts = []
    if model.price_per_million_input or model.price_per_million_output:
        parts.append(f"{model.price_per_million_input:g} in, {model.price_per_million_output:g} out per million")
    if model.price_per_second:
        parts.append(f"{model.price_per_second:g} per second")
    return "; ".join(parts) or "-"
