"""Reports of a comparison of variants: tables for the terminal and for notebooks, and JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from ragops.quality.evaluation.answers import CHECKS, DECISIVE
from ragops.quality.evaluation.comparison import VariantResult
from ragops.quality.evaluation.reports.cells import comparison_table, difference_cell, mean_cell, short
from ragops.quality.evaluation.variants import Variant, labels
from ragops.quality.statistics.intervals import Interval

_SHOWN = (*DECISIVE, "own_words")
_HEADS = {
    "supported": "sup-\nported",
    "abstained": "ab-\nstained",
    "citation_validity": "valid\ncites",
    "own_words": "own\nwords",
}
"""In two lines, so that the table fits 80 columns."""


def print_variants(
    console: Console, results: Sequence[VariantResult], prompt: str, own_label: str = "use case's"
) -> None:
    """Prints the variants' figures, then their differences from one prompt, colored where they are significant."""
    console.print(_figures(results, prompt, own_label))
    if any(_baseline(results, prompt, one) for one in results):
        console.print(_differences(results, prompt))


def variants_as_json(results: Sequence[VariantResult], prompt: str) -> list[dict[str, Any]]:
    """The figures as JSON, one object per variant; null where a check does not apply."""
    return [
        {
            **one.parameters(),
            "questions": len(one.rows),
            **{name: _as_json(found) for name, found in one.intervals().items()},
            **{name: value for name, value in one.metrics().items() if name in ("seconds_p50", "errors", "tokens")},
            "cost": one.cost,
            "minus_card": {name: _as_json(found) for name, found in one.better_than(own).items()} if own else None,
        }
        for one in results
        for own in [_baseline(results, prompt, one)]
    ]


def variants_frame(results: Sequence[VariantResult]) -> pd.DataFrame:
    """The figures for a notebook: means with their intervals, one column per variant."""
    shown = {
        name: {
            **{check.replace("_", " "): _mean(found) for check, found in one.intervals().items() if check in CHECKS},
            "seconds, median": f"{one.metrics().get('seconds_p50', math.nan):.2f}",
            "tokens": f"{one.tokens:,.0f}",
            "cost": f"{one.cost:.4g}",
            "failed": int(one.metrics()["errors"]),
        }
        for name, one in zip(_names(results), results, strict=True)
    }
    return pd.DataFrame(shown)


def _baseline(results: Sequence[VariantResult], prompt: str, one: VariantResult) -> VariantResult | None:
    """The result of the prompt to compare with, for the same model and fusion; None for that one itself."""
    wanted = Variant(prompt, one.variant.llm, one.variant.fusion)
    return next((other for other in results if other.variant == wanted and other is not one), None)


def _names(results: Sequence[VariantResult]) -> list[str]:
    return labels([one.variant for one in results])


def _mean(found: Interval) -> str:
    return "" if math.isnan(found.mean) else f"{found.mean:.2f} ({short(found.low)} to {short(found.high)})"


def _figures(results: Sequence[VariantResult], prompt: str, own_label: str) -> Table:
    questions = len(results[0].rows) if results else 0
    table = comparison_table(f"{questions} questions; means with 95 % intervals (bootstrap over topics)")
    for head in (*(_HEADS.get(name, name) for name in _SHOWN), "p50 s", "tokens", "failed"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, one in zip(_names(results), results, strict=True):
        own = one.variant.prompt == prompt
        label = f"{name}\n[green]^ {own_label}[/]" if own else name
        table.add_row(label, *_cells(one), style="bold" if own else None)
    return table


def _cells(one: VariantResult) -> Iterator[str]:
    intervals, figures = one.intervals(), one.metrics()
    yield from (mean_cell(intervals[name]) for name in _SHOWN)
    yield f"{figures['seconds_p50']:.2f}" if "seconds_p50" in figures else "-"
    yield f"{one.tokens:,.0f}"
    errors = int(figures["errors"])
    yield f"[red]{errors}[/]" if errors else "0"


def _differences(results: Sequence[VariantResult], prompt: str) -> Table:
    table = comparison_table(f"paired difference from {prompt}, same model")
    for name in DECISIVE:
        table.add_column(_HEADS.get(name, name), justify="right")
    for name, one in zip(_names(results), results, strict=True):
        if own := _baseline(results, prompt, one):
            table.add_row(name, *map(difference_cell, one.better_than(own).values()))
    return table


def _as_json(found: Interval) -> dict[str, float] | None:
    return None if math.isnan(found.mean) else found._asdict()
