"""`ragops models`: the models on the card, and what each may and can do here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

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
    workspace, primary = _here(target, schema)
    models, policy = card.models.with_primary(model or primary), Policy(card.corpus.classification)
    table = Table("model", "provider", "answers", f"{card.corpus.classification} text", "here", "price", box=None)
    for one in models.known:
        handling = policy.handling(one)
        reason = why_unavailable(one, workspace)
        here = f"[red]{escape(reason)}[/]" if reason else "[green]yes[/]"
        seen = f"[{_COLOURS[handling]}]{handling}[/]"
        table.add_row(one.name, one.provider, _role(models, one.name), seen, here, _price(one))
    Console().print(table, highlight=False)


def _here(target: str, schema: str | None) -> tuple[Workspace, str]:
    """The target's workspace and its model; a target that was never run here has nothing to add to the card."""
    try:
        return places.place(target, schema), deployed_model(target)
    except UserError:
        return Workspace("spark_catalog", schema or "rag"), ""


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
