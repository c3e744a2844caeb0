"""Runs all benchmarks, writes bench.json, and checks bounds. `python -m tests.bench --help`.

Each benchmark runs in its own process, so that none inherits libraries, threads or memory. The exit code is 1 if a
benchmark did not finish or a bound is missed that is not a timing; timings depend on the machine's load.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tests.bench.bounds import BOUNDS, Checked, check

REPOSITORY = Path(__file__).parents[2]
console = Console()


class Benchmark(StrEnum):
    """In the order of execution: the longest last."""

    PROMPT = "prompt"
    TASKS = "tasks"
    STATISTICS = "statistics"
    PAGE = "page"
    SERVE = "serve"
    SEARCH = "search"
    EMBEDDING = "embedding"
    CHUNKING = "chunking"
    RETRIEVAL_QUALITY = "retrieval_quality"
    REFRESH = "refresh"
    MONITOR = "monitor"
    MEMORY = "memory"
    SLICES = "slices"
    SABOTAGE = "sabotage"
    FUZZ_DOCUMENTS = "fuzz_documents"
    BATCH_KILLS = "batch_kills"
    FEEDBACK_KILLS = "feedback_kills"
    KILLS = "kills"


def main(
    only: Annotated[list[Benchmark] | None, typer.Option(help="Run only this benchmark (repeatable).")] = None,
    kills: Annotated[int, typer.Option(help="Number of refreshes to kill.")] = 200,
) -> None:
    """Runs the benchmarks, writes bench.json in the repository's root, and prints the bounded figures."""
    report: dict[str, Any] = machine() | {"measurements": {}}
    for name in (name for name in Benchmark if not only or name in only):
        console.rule(f"[bold]{name}")
        report["measurements"][name] = measure(name, [f"--kills={kills}"] if name == Benchmark.KILLS else [])
    checked = [
        check(bound, report["measurements"][bound.benchmark])
        for bound in BOUNDS
        if bound.benchmark in report["measurements"]
    ]
    report["bounds"] = [row.as_dict() for row in checked]
    (REPOSITORY / "bench.json").write_text(json.dumps(report, indent=1) + "\n")
    show(checked)
    unfinished = [name for name, measured in report["measurements"].items() if not measured["figures"]]
    if unfinished:
        console.print(f"[red]did not finish: {', '.join(unfinished)}")
    if unfinished or any(row.met is False and not row.bound.is_timing for row in checked):
        raise typer.Exit(1)


def machine() -> dict[str, object]:
    """Date, machine and commit of the run."""
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40"], cwd=REPOSITORY, capture_output=True, text=True
    )
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu_count": os.cpu_count(),
        "python": platform.python_version(),
        "commit": result.stdout.strip(),
    }


def measure(name: Benchmark, options: list[str]) -> dict[str, Any]:
    """Runs one benchmark; `figures` is empty if it died."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        before, began = os.getloadavg(), time.perf_counter()
        command = [sys.executable, "-m", f"tests.bench.{name}", "--json", str(file), *options]
        code = subprocess.call(command, cwd=REPOSITORY)
        return {
            "seconds": round(time.perf_counter() - began, 1),
            "load_before": before,
            "load_after": os.getloadavg(),
            "exit_code": code,
            "figures": json.loads(file.read_text()) if file.is_file() else {},
        }


def show(checked: list[Checked]) -> None:
    """Prints one row per bounded figure."""
    table = Table("figure", "value", "bound", "met", "load", title="Bounded figures", box=None)
    for row in checked:
        missed = "[yellow]no (timing)" if row.bound.is_timing else "[red]no"
        met = {True: "[green]yes", False: missed, None: "[red]not measured"}[row.met]
        table.add_row(row.bound.name, row.value, row.bound.wanted, met, row.load)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
