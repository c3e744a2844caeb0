"""`ragops models`: the models on the card, and what each may and can do here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from ragops.commands import places
from ragops.commands.places import Card, Model, Schema, Target
from ragops.errors import UserError
from ragops.workspace import Workspace, deployed_model

if TYPE_CHECKING:
    from ragops.llms.settings import AnyModel, Models

_COLOURS = {"as it is": "green", "without personal data": "yellow", "not at all": "red"}


def show_models(model: Model = "", target: Target = "dev", schema: Schema = None, usecase: Card = None) -> None:
    """Lists the card's models: who answers, what policy lets them see, whether they are to be had here, and prices."""
    from ragops.llms.availability import why_unavailable
    from ragops.llms.policy import Policy

    card = places.card(usecase)
    workspace, primary, note = _here(target, schema)
    models, policy = card.models.with_primary(model or primary), Policy(card.corpus.classification)
    names = (Column("model", no_wrap=True), Column("provider", no_wrap=True), "answers")
    here = Column("here", overflow="fold")
    table = Table(*names, f"{card.corpus.classification} text", here, "price", box=None)
    for one in models.known:
        handling = policy.handling(one)
        reason = why_unavailable(one, workspace)
        is_here = f"[red]{escape(reason)}[/]" if reason else "[green]yes[/]"
        seen = f"[{_COLOURS[handling]}]{handling}[/]"
        table.add_row(one.name, one.provider, _role(models, one.name), seen, is_here, _price(one))
    console = Console()
    console.print(table, highlight=False)
    if note:
        console.print(f"[dim]the card alone: {escape(note)}[/]", highlight=False, soft_wrap=True)


def _here(target: str, schema: str | None) -> tuple[Workspace, str, str]:
    """The target's workspace and its model, and why there is none: the card is shown before anything was ever run."""
    try:
        return places.place(target, schema), deployed_model(target), ""
    except UserError as error:
        return Workspace("spark_catalog", schema or "rag"), "", str(error)


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
