"""Benchmark of what a user waits for at the prompt, measured from outside the processes: the sample corpus, 2 cores.

Run `python -m tests.bench.prompt`; it prints a table and, with `--json FILE`, writes the figures. Each command runs
several times; the minimum is what it takes on a quiet machine, and a median far above it shows that others used the
cores. The processor time is that of the command and its children, without the Spark server.
"""

import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from localbundle.runs.record import list_runs
from rich.console import Console
from rich.table import Table

from ragops.demo.corpus import PATHS
from tests.bench.bounds import PROMPT_S
from tests.bench.executed import embedding
from tests.e2e.bundles import Bundle, copy_bundle

REPEATS = 5
REFRESHES = 3
EDITED = PATHS["identifiers"]
QUESTION = "Is it the comma or the parentheses that make a tuple?"
Figures = dict[str, dict[str, float]]
console = Console()


def main(json_file: Annotated[Path | None, typer.Option("--json")] = None) -> Figures:
    """Returns for each command {min_s, median_s, cpu_s, times} and, where there is a goal, {most_s}."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="bench-prompt-") as folder:
        bundle = copy_bundle(Path(folder))
        bundle.run("localbundle", "validate", "-t", "dev")  # compiles modules, as an installation does
        try:
            measure(bundle, figures)
        finally:
            bundle.run("localbundle", "down", "-t", "dev")
    show(figures)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def measure(bundle: Bundle, figures: Figures) -> None:
    """All commands in the order in which a user meets them."""

    def timed(name: str, times: int, *words: str, before: Callable[[], object] = lambda: None) -> None:
        runs = []
        for _ in range(times):
            before()
            runs.append(run(bundle, *words))
        figures[name] = summary(name, [seconds for seconds, _ in runs], min(cpu for _, cpu in runs))

    refresh = ("localbundle", "run", "refresh", "-t", "dev")
    timed("ragops --help", REPEATS, "ragops", "--help")
    timed("localbundle --help", REPEATS, "localbundle", "--help")
    timed("localbundle up", 1, "localbundle", "up", "-t", "dev")
    bundle.run("ragops", "sample")
    timed("refresh, first of a workspace", 1, *refresh)
    timed("refresh, nothing to do", REFRESHES, *refresh)
    edit, beyond = edits(bundle), []
    for _ in range(REFRESHES):
        edit()
        seconds, cpu = run(bundle, *refresh)
        beyond.append((seconds - embedding(bundle, list_runs(bundle.home)[0]), cpu))
    name = "refresh, 1 % edited, beyond its embedding"
    figures[name] = summary(name, [seconds for seconds, _ in beyond], min(cpu for _, cpu in beyond))
    timed("ragops search", REPEATS, "ragops", "search", QUESTION)
    timed("ragops ask", REPEATS, "ragops", "ask", QUESTION)


def run(bundle: Bundle, *words: str) -> tuple[float, float]:
    """Runs a command; returns its seconds and those of processors that it and its children used."""
    used, began = _children_seconds(), time.perf_counter()
    bundle.run(*words)
    return time.perf_counter() - began, _children_seconds() - used


def edits(bundle: Bundle) -> Callable[[], object]:
    """A function that adds a sentence to one of the 79 documents, another one each time."""
    file = bundle.home / "Volumes" / "spark_catalog" / bundle.schema() / "landing" / EDITED
    numbers = iter(range(REFRESHES))
    return lambda: file.write_text(f"{file.read_text()}\n\nThis document was edited {next(numbers)} times.\n")


def summary(name: str, times: list[float], cpu: float) -> dict[str, float]:
    """The figures of one command."""
    found = {"min_s": min(times), "median_s": statistics.median(times), "cpu_s": cpu, "times": len(times)}
    return found | ({"most_s": PROMPT_S[name]} if name in PROMPT_S else {})


def show(figures: Figures) -> None:
    """Prints one row per command."""
    table = Table("command", "min s", "median s", "CPU s", "times", "goal s", box=None)
    for name, row in figures.items():
        goal = f"{row['most_s']:.1f}" if "most_s" in row else ""
        cells = (f"{row[key]:.2f}" for key in ("min_s", "median_s", "cpu_s"))
        table.add_row(name, *cells, f"{row['times']:.0f}", goal)
    console.print(table)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    typer.run(main)
