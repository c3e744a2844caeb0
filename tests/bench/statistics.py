"""Simulations of the statistics and of the gate: `python -m tests.bench.statistics`, with `--json FILE` for figures.

How often 95 % intervals contain the truth with 50 labels in 15 documents; how much narrower a corrected rate is than
the labels alone; how often the gate calls the same chain another one, and notices one that is better or worse; whether
failed judge calls are counted. About five minutes of CPU time.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from tests.support.simulated_labels import METHODS, Population, corrected_width, coverage, monte_carlo_error
from tests.support.simulated_releases import releases, uncounted_failures

POPULATIONS = tuple(Population(share, correlation) for share in (0.5, 0.7, 0.85) for correlation in (0.05, 0.15, 0.3))
JUDGES = {0.6: (0.85, 0.775), 0.7: (0.9, 0.81), 0.8: (0.93, 0.88), 0.9: (0.97, 0.93)}
"""Sensitivity and specificity by the kappa that they give at a share of 0.7."""
JUDGED_PER_LABEL = (2, 5, 10, 20, 40)
SHIFTS = (-0.2, -0.1, 0.1, 0.2)
FAILING = (0.0, 0.05, 0.1, 0.2, 0.3)


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    samples: Annotated[int, typer.Option(help="Samples for each coverage.")] = 1000,
    count: Annotated[int, typer.Option(help="Simulated releases.")] = 200,
) -> None:
    """Prints all figures, each share with its Monte Carlo error."""
    with threadpool_limits(1):  # small products: several threads spend seven times the CPU time
        figures = {
            "coverage": coverages(samples),
            "samples": samples,
            "error": monte_carlo_error(0.95, samples),
            "width": widths(max(50, samples // 5)),
            "same_chain": outcomes(count, 0.0),
            "shifted": {f"{shift:+g}": outcomes(max(10, count // 4), shift) for shift in SHIFTS},
            "failures": failures(max(5, count // 10)),
        }
    show(figures)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))


def coverages(count: int) -> dict[str, dict[str, float]]:
    """By method and population."""
    return {
        method: {f"{of.share:g}, {of.correlation:g}": coverage(method, of, count) for of in POPULATIONS}
        for method in METHODS
    }


def widths(count: int) -> dict[str, dict[str, float]]:
    """The corrected width by kappa and judged answers per label; independent answers, and alike ones in a document."""
    found = {}
    for correlation in (0.01, 0.3):
        for sensitivity, specificity in JUDGES.values():
            of = Population(0.7, correlation, sensitivity, specificity)
            ratios = {str(each): corrected_width(of, 50 * each, count) for each in JUDGED_PER_LABEL}
            found[f"kappa {of.kappa:.2f}, correlation {correlation:g}"] = {"kappa": of.kappa, **ratios}
    return found


def outcomes(count: int, shift: float) -> dict[str, float]:
    """Of a chain that is released twice: how its releases end, and how often the two end differently."""
    pairs = list(releases(count, shift))
    ended = Counter(one.outcome for pair in pairs for one in pair)
    shares = {outcome: ended[outcome] / (2 * count) for outcome in ("promoted", "blocked", "undecided")}
    differ = sum(first.outcome != second.outcome for first, second in pairs) / count
    gain = sum(one.paired.difference.mean for pair in pairs for d in pair for one in d.comparisons)
    measures = sum(len(d.comparisons) for pair in pairs for d in pair)
    better = sum(one.better for pair in pairs for one in pair) / (2 * count)
    return {**shares, "better": better, "differ": differ, "releases": count, "mean difference": gain / measures}


def failures(count: int) -> dict[str, dict[str, int]]:
    """By the share of judge calls that fail."""
    found = {}
    for failing in FAILING:
        uncounted, wrong = uncounted_failures(count, failing)
        found[f"{failing:.0%}"] = {"releases": count, "uncounted": uncounted, "wrong": wrong}
    return found


def show(figures: Mapping[str, Any]) -> None:
    """Prints a table for each simulation."""
    console = Console(width=120)
    samples = figures["samples"]
    table = Table(title=f"Coverage of 95 % intervals, {samples} samples each; by share, correlation", box=None)
    table.add_column("method", no_wrap=True)
    for name in next(iter(figures["coverage"].values())):
        table.add_column(name)
    for method, found in figures["coverage"].items():
        table.add_row(method, *(f"{value:.1%}" for value in found.values()))
    console.print(table, f"Monte Carlo error {monte_carlo_error(0.95, samples):.1%}")
    table = Table("", *map(str, JUDGED_PER_LABEL), title="Corrected width / labels' by judged answers per label")
    for name, ratios in figures["width"].items():
        table.add_row(name, *(f"{ratios[str(each)]:.2f}" for each in JUDGED_PER_LABEL))
    console.print(table)
    shown = ("promoted", "blocked", "undecided", "better")
    table = Table("true difference", *shown, "two releases differ", title="Releases; better: in any check")
    for name, found in ({"0": figures["same_chain"]} | figures["shifted"]).items():
        count = int(found["releases"])
        shares = [_share(found[outcome], 2 * count) for outcome in shown]
        table.add_row(f"{found['mean difference']:+.3f} ({name})", *shares, _share(found["differ"], count))
    console.print(table)
    for failing, found in figures["failures"].items():
        console.print(f"{failing} of judge calls fail in {found['releases']} releases: {found['uncounted']} not "
                      f"counted, {found['wrong']} releases wrongly passed or blocked")  # fmt: skip


def _share(value: float, count: int) -> str:
    return f"{value:.1%} +- {monte_carlo_error(value, count):.1%}"


if __name__ == "__main__":
    typer.run(main)
