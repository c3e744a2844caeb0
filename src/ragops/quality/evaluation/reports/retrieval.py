"""What a person or a program sees of an evaluation of retrieval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from ragops.quality.evaluation.retrieval import COMPARED, IN_CONTEXT, Measured, measure_names
from ragops.quality.evaluation.settings_grid import label
from ragops.usecase import UseCase

_HEADS = {
    "recall_at_1": "recall\n@1",
    "recall_at_5": "recall\n@5",
    "recall_at_10": "recall\n@10",
    "mrr": "MRR\n@10",
    "ndcg_at_10": "nDCG\n@10",
    IN_CONTEXT: "in\ncontext",
}


def show(console: Console, measured: Sequence[Measured], use_case: UseCase) -> None:
    """Prints the settings' figures, then how far each is from the use case's, coloured where that is sure."""
    own = of_use_case(measured, use_case)
    questions, clusters = len(own.clusters), len(set(own.clusters))
    table = _table(f"{questions} questions in {clusters} topics; means, 95 % intervals (bootstrap over topics)")
    for name in measure_names():
        table.add_column(_HEADS[name], justify="right", no_wrap=True)
    for head in ("p50\np95 ms", "tokens"):
        table.add_column(head, justify="right", no_wrap=True)
    for one in measured:
        table.add_row(*_cells(one, own), style="bold" if one is own else None)
    differences = _table("nDCG@10 less the use case's, question by question")
    differences.add_column("", no_wrap=True)
    for one in measured:
        if one is not own:
            differences.add_row(label(one.settings, own.settings), _difference(one, own))
    console.print(table, differences, sep="\n")


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", min_width=13)
    return table


def criteria(measured: Sequence[Measured], use_case: UseCase) -> Iterator[tuple[bool, str]]:
    """For each success criterion, and the search SLA: whether the use case's settings meet it, and a line."""
    own = of_use_case(measured, use_case)
    for criterion in use_case.success:
        reached = own.interval(criterion.measure)
        met = reached.mean >= criterion.at_least
        yield met, f"{criterion.measure} {reached}, wanted {criterion.at_least:g}: {criterion.why}"
    slow = own.percentile(95)
    yield slow <= use_case.sla.search_p95_ms, f"search p95 {slow:.0f} ms, wanted at most {use_case.sla.search_p95_ms:g}"


def as_rows(measured: Sequence[Measured], use_case: UseCase) -> list[dict[str, Any]]:
    """The figures as JSON-able rows."""
    own = of_use_case(measured, use_case)
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


def of_use_case(measured: Sequence[Measured], use_case: UseCase) -> Measured:
    """The figures of the use case's own settings."""
    return next(one for one in measured if one.settings == use_case.retrieval)


def _cells(one: Measured, own: Measured) -> Iterator[str]:
    name = label(one.settings, own.settings)
    yield f"{name}\n[green]^ use case's[/]" if one is own else name
    for name in measure_names():
        reached = one.interval(name)
        yield f"{_short(reached.mean, 3)}\n[dim]{_short(reached.low)}-{_short(reached.high)}[/]"
    yield f"{one.percentile(50):.0f}\n{one.percentile(95):.0f}"
    yield f"{one.tokens.mean():.0f}"


def _short(number: float, digits: int = 2, sign: str = "") -> str:
    """Without the 0 before the point."""
    return f"{number:{sign}.{digits}f}".replace("0.", ".", 1)


def _difference(one: Measured, own: Measured) -> str:
    """Coloured only where chance does not explain it."""
    found = one.difference(own, COMPARED)
    colour = {1: "green", -1: "red"}.get(found.sign, "dim")
    return f"[{colour}]{_short(found.mean, 3, '+')} ({_short(found.low, 2, '+')} to {_short(found.high, 2, '+')})[/]"
