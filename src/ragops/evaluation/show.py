"""What a person or a program sees of an evaluation of retrieval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from ragops.evaluation.retrieval import COMPARED, IN_CONTEXT, Measured, measure_names
from ragops.evaluation.settings_grid import label
from ragops.usecase import UseCase

_HEADS = {
    "recall_at_1": "recall@1",
    "recall_at_5": "recall@5",
    "recall_at_10": "recall@10",
    "mrr": "MRR@10",
    "ndcg_at_10": "nDCG@10",
    IN_CONTEXT: "in context",
}


def show(console: Console, measured: Sequence[Measured], card: UseCase) -> None:
    """Prints a table of the settings; the card's own is marked, and what is surely better or worse than it."""
    own = of_card(measured, card)
    questions, clusters = len(own.clusters), len(set(own.clusters))
    table = Table(
        title=f"{questions} questions in {clusters} topics; means with 95 % intervals (bootstrap over topics)",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    table.add_column("setting", no_wrap=True)
    for name in measure_names():
        table.add_column(_HEADS[name], justify="right")
    for head in ("nDCG - card's", "p50 ms", "p95 ms", "tokens"):
        table.add_column(head, justify="right")
    for one in measured:
        table.add_row(*_cells(one, own), style="bold" if one is own else None)
    console.print(table)


def criteria(measured: Sequence[Measured], card: UseCase) -> Iterator[tuple[bool, str]]:
    """For each of the card's success criteria, and its search SLA, whether the card's settings meet it, and a line."""
    own = of_card(measured, card)
    for criterion in card.success:
        reached = own.interval(criterion.measure)
        met = reached.mean >= criterion.at_least
        yield met, f"{criterion.measure} {reached}, wanted {criterion.at_least:g}: {criterion.why}"
    slow = own.percentile(95)
    yield slow <= card.sla.search_p95_ms, f"search p95 {slow:.0f} ms, wanted at most {card.sla.search_p95_ms:g}"


def as_rows(measured: Sequence[Measured], card: UseCase) -> list[dict[str, Any]]:
    """The figures as JSON-able rows."""
    own = of_card(measured, card)
    return [
        {
            "setting": label(one.settings, own.settings),
            "chosen": one is own,
            "questions": len(one.clusters),
            **{name: one.interval(name)._asdict() for name in measure_names()},
            f"{COMPARED}_minus_chosen": one.difference(own, COMPARED)._asdict(),
            "p50_ms": one.percentile(50),
            "p95_ms": one.percentile(95),
            "context_tokens": float(one.tokens.mean()),
            "settings": one.settings.model_dump(),
        }
        for one in measured
    ]


def of_card(measured: Sequence[Measured], card: UseCase) -> Measured:
    """The figures of the card's own settings."""
    return next(one for one in measured if one.settings == card.retrieval)


def _cells(one: Measured, own: Measured) -> Iterator[str]:
    name = label(one.settings, own.settings)
    yield f"{name} [green]<- card[/]" if one is own else name
    for name in measure_names():
        reached = one.interval(name)
        yield f"{reached.mean:.3f} [dim]{_short(reached.low)}-{_short(reached.high)}[/]"
    yield "" if one is own else _difference(one, own)
    yield f"{one.percentile(50):.0f}"
    yield f"{one.percentile(95):.0f}"
    yield f"{one.tokens.mean():.0f}"


def _short(number: float, sign: bool = False) -> str:
    """Two decimals, without the 0 before them."""
    return f"{number:{'+' if sign else ''}.2f}".replace("0.", ".", 1)


def _difference(one: Measured, own: Measured) -> str:
    """Coloured only where chance does not explain it."""
    found = one.difference(own, COMPARED)
    colour = "green" if found.low > 0 else "red" if found.high < 0 else "dim"
    return f"[{colour}]{found.mean:+.3f} {_short(found.low, sign=True)}..{_short(found.high, sign=True)}[/]"
