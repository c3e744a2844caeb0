"""Every measurement in turn, bench.json, and the figures that are bounded. `python -m tests.bench --help`.

Each measurement runs in a process of its own, so that none finds another's libraries, threads or memory. The exit code
is 1 when a bound is missed that is not a timing, or a measurement did not end; timings depend on what else runs.
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


class Measurement(StrEnum):
    """In the order in which they run: the longest last."""

    TASKS = "tasks"
    SEARCH = "search"
    EMBEDDING = "embedding"
    CHUNKING = "chunking"
    REFRESH = "refresh"
    MEMORY = "memory"
    SLICES = "slices"
    FUZZ_DOCUMENTS = "fuzz_documents"
    KILLS = "kills"


def main(
    only: Annotated[list[Measurement] | None, typer.Option(help="Only this measurement. May be repeated.")] = None,
    kills: Annotated[int, typer.Option(help="How many refreshes to kill.")] = 200,
) -> None:
    """Measures, writes bench.json at the repository's root and prints what is bounded."""
    report: dict[str, Any] = machine() | {"measurements": {}}
    for name in (name for name in Measurement if not only or name in only):
        console.rule(f"[bold]{name}")
        report["measurements"][name] = measure(name, [f"--kills={kills}"] if name == Measurement.KILLS else [])
    checked = [check(bound, report["measurements"][bound.of]) for bound in BOUNDS if bound.of in report["measurements"]]
    report["bounds"] = [row.as_dict() for row in checked]
    (REPOSITORY / "bench.json").write_text(json.dumps(report, indent=1) + "\n")
    show(checked)
    unfinished = [name for name, measured in report["measurements"].items() if not measured["figures"]]
    if unfinished:
        console.print(f"[red]did not end: {', '.join(unfinished)}")
    if unfinished or any(row.met is False and not row.bound.is_timing for row in checked):
        raise typer.Exit(1)


def machine() -> dict[str, object]:
    """When and where this is measured, and what."""
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40"], cwd=REPOSITORY, capture_output=True, text=True
    )
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu_count": os.cpu_count(),
        "python": platform.python_version(),
        "commit": result.stdout.strip(),
    }


def measure(name: Measurement, options: list[str]) -> dict[str, Any]:
    """Runs one measurement; `figures` is empty when it died."""
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
    """One row a bounded figure."""
    table = Table("figure", "value", "wanted", "met", "load", title="what is bounded", box=None)
    for row in checked:
        missed = "[yellow]no (a timing)" if row.bound.is_timing else "[red]no"
        met = {True: "[green]yes", False: missed, None: "[red]not measured"}[row.met]
        table.add_row(row.bound.name, row.value, row.bound.wanted, met, row.load)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
