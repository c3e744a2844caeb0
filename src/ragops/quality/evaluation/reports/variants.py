"""What a person or a program sees of a comparison of variants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from ragops.quality.evaluation.answers import CHECKS, DECISIVE
from ragops.quality.evaluation.bootstrap import Interval
from ragops.quality.evaluation.comparison import Tried, surely
from ragops.quality.evaluation.tracking import parameters
from ragops.quality.evaluation.variants import Variant, labels

_SHOWN = (*DECISIVE, "own_words")
_HEADS = {
    "supported": "sup-\nported",
    "abstained": "ab-\nstained",
    "citation_validity": "valid\ncites",
    "own_words": "own\nwords",
}
"""In two lines, so that a window of 80 columns has room for all."""
_COLOURS = {"better": "green", "worse": "red", "": "dim"}


def baseline(tried: Sequence[Tried], prompt: str, one: Tried) -> Tried | None:
    """The use case's prompt with the same model and fusion; None for that one itself."""
    wanted = Variant(prompt, one.variant.llm, one.variant.fusion)
    return next((other for other in tried if other.variant == wanted and other is not one), None)


def show(console: Console, tried: Sequence[Tried], prompt: str, whose: str = "use case's") -> None:
    """Prints a table of the variants, then the differences to one prompt, coloured where they are sure."""
    console.print(_figures(tried, prompt, whose))
    if compared := [(one, own) for one in tried if (own := baseline(tried, prompt, one))]:
        console.print(_differences(compared, labels([one.variant for one in tried]), tried, prompt))


def as_rows(tried: Sequence[Tried], prompt: str) -> list[dict[str, Any]]:
    """The figures as JSON-able rows; None where a check does not apply."""
    return [
        {
            **parameters(one),
            "questions": len(one.rows),
            **{name: _plain(found) for name, found in one.intervals().items()},
            **{name: value for name, value in one.metrics().items() if name in ("seconds_p50", "errors", "tokens")},
            "cost": one.cost,
            "minus_card": {name: _plain(found) for name, found in one.better_than(own).items()} if own else None,
        }
        for one in tried
        for own in [baseline(tried, prompt, one)]
    ]


def frame(tried: Sequence[Tried]) -> pd.DataFrame:
    """The figures for a notebook: means with their intervals, a variant in each column."""
    shown = {
        name: {
            **{check.replace("_", " "): _mean(found) for check, found in one.intervals().items() if check in CHECKS},
            "seconds, middle": f"{one.metrics().get('seconds_p50', math.nan):.2f}",
            "tokens": f"{one.tokens:,.0f}",
            "cost": f"{one.cost:.4g}",
            "failed": int(one.metrics()["errors"]),
        }
        for name, one in zip(labels([one.variant for one in tried]), tried, strict=True)
    }
    return pd.DataFrame(shown)


def _mean(found: Interval) -> str:
    return "" if math.isnan(found.mean) else f"{found.mean:.2f} ({_short(found.low)} to {_short(found.high)})"


def _figures(tried: Sequence[Tried], prompt: str, whose: str) -> Table:
    asked = len(tried[0].rows) if tried else 0
    table = _table(f"{asked} questions; means with 95 % intervals (bootstrap over topics)")
    for head in (*(_HEADS.get(name, name) for name in _SHOWN), "p50 s", "tokens", "failed"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, one in zip(labels([one.variant for one in tried]), tried, strict=True):
        own = one.variant.prompt == prompt
        table.add_row(f"{name}\n[green]^ {whose}[/]" if own else name, *_cells(one), style="bold" if own else None)
    return table


def _cells(one: Tried) -> Iterator[str]:
    intervals, figures = one.intervals(), one.metrics()
    for name in _SHOWN:
        found = intervals[name]
        yield "-" if math.isnan(found.mean) else f"{found.mean:.2f}\n[dim]{_short(found.low)}-{_short(found.high)}[/]"
    yield f"{figures['seconds_p50']:.2f}" if "seconds_p50" in figures else "-"
    yield f"{one.tokens:,.0f}"
    errors = int(figures["errors"])
    yield f"[red]{errors}[/]" if errors else "0"


def _differences(
    compared: Sequence[tuple[Tried, Tried]], names: Sequence[str], tried: Sequence[Tried], prompt: str
) -> Table:
    table = _table(f"less what {prompt} gets from the same model, question by question")
    for name in DECISIVE:
        table.add_column(_HEADS.get(name, name), justify="right")
    for one, own in compared:
        found = one.better_than(own).values()
        table.add_row(names[tried.index(one)], *map(_difference, found))
    return table


def _difference(found: Interval) -> str:
    if math.isnan(found.mean):
        return "-"
    return f"[{_COLOURS[surely(found)]}]{found.mean:+.2f} {_short(found.low, '+')}..{_short(found.high, '+')}[/]"


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", min_width=15, overflow="fold")
    return table


def _short(number: float, sign: str = "") -> str:
    """Two decimals, without the 0 before them."""
    return f"{number:{sign}.2f}".replace("0.", ".", 1).replace("1.00", "1")


def _plain(found: Interval) -> dict[str, float] | None:
    return None if math.isnan(found.mean) else found._asdict()
