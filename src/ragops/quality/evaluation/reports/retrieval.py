"""Reports of an evaluation of retrieval: tables for the terminal, and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from ragops.quality.evaluation.reports.cells import comparison_table, difference_cell, mean_cell
from ragops.quality.evaluation.retrieval import COMPARED, COVERAGE, SettingsResult, measure_names, settings_label
from ragops.usecase import UseCase

_HEADS = {
    COVERAGE: "cover-\nage",
    "recall_at_1": "recall\n@1",
    "recall_at_5": "recall\n@5",
    "recall_at_10": "recall\n@10",
    "mrr": "MRR\n@10",
    "ndcg_at_10": "nDCG\n@10",
}


def print_settings(console: Console, results: Sequence[SettingsResult], use_case: UseCase) -> None:
    """Prints each setting's figures, then its difference from the use case's, colored where it is significant."""
    own = _of_use_case(results, use_case)
    questions, clusters = len(own.clusters), len(set(own.clusters))
    table = comparison_table(
        f"{questions} questions in {clusters} topics; means, 95 % intervals (bootstrap over topics)"
    )
    for head in (*(_HEADS[name] for name in measure_names()), "p50\np95 ms", "tokens"):
        table.add_column(head, justify="right", no_wrap=True)
    for one in results:
        table.add_row(*_cells(one, own), style="bold" if one is own else None)
    differences = comparison_table("Paired differences from the use case's settings")
    for name in COMPARED:
        differences.add_column(_HEADS[name].replace("-\n", "").replace("\n", ""), no_wrap=True)
    for one in results:
        if one is not own:
            label = settings_label(one.settings, own.settings)
            differences.add_row(label, *(difference_cell(one.difference(own, name)) for name in COMPARED))
    console.print(table, differences, sep="\n")


def settings_as_json(results: Sequence[SettingsResult], use_case: UseCase) -> list[dict[str, Any]]:
    """The figures as JSON, one object per setting."""
    own = _of_use_case(results, use_case)
    return [
        {
            "setting": settings_label(one.settings, own.settings),
            "chosen": one is own,
            "questions": len(one.clusters),
            **{name: one.interval(name)._asdict() for name in measure_names()},
            **{f"{name}_minus_chosen": one.difference(own, name)._asdict() for name in COMPARED},
            "p50_ms": one.percentile(50),
            "p95_ms": one.percentile(95),
            "context_tokens": float(one.tokens.mean()),
            "settings": one.settings.model_dump(),
        }
        for one in results
    ]


def _of_use_case(results: Sequence[SettingsResult], use_case: UseCase) -> SettingsResult:
    return next(one for one in results if one.settings == use_case.retrieval)


def _cells(one: SettingsResult, own: SettingsResult) -> Iterator[str]:
    name = settings_label(one.settings, own.settings)
    yield f"{name}\n[green]^ use case's[/]" if one is own else name
    for measure in measure_names():
        yield mean_cell(one.interval(measure), digits=3)
    yield f"{one.percentile(50):.0f}\n{one.percentile(95):.0f}"
    yield f"{one.tokens.mean():.0f}"
