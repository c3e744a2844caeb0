"""Whether monitoring finds faults and names their causes, and whether it is silent without any.

Run `python -m tests.bench.sabotage`; it prints the table of faults and, with `--json FILE`, writes the figures. Each
fault breaks a copy of a healthy system; one run of the monitor must find it. Then the monitor looks at healthy systems
whose users are others each time, at all days and hours of a week.
"""

import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from threadpoolctl import threadpool_limits

from tests.sabotage import runner
from tests.sabotage.healthy import build
from tests.sabotage.spark import own_server

console = Console(width=220)


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="Only this fault (repeatable).")] = None,
    runs: Annotated[int, typer.Option(help="Healthy systems to look at.")] = 200,
    tables: Annotated[bool, typer.Option(help="Faults of use through tables, too: a minute more for each.")] = False,
) -> dict[str, object]:
    """Returns {faults, found, not_found, seconds, runs, runs_with_false_findings, false}."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-sabotage-") as folder, own_server(Path(folder) / "server"):
        healthy = runner.Healthy.of(build(Path(folder) / "healthy"))
        false = [one.check for one in runner.found_in(healthy.seen.system)]
        results = []
        for one in runner.chosen(fault or ()):
            results.append(runner.broken(healthy, one, Path(folder), in_tables=tables))
            console.print(f"{one.name}: {'found' if results[-1].is_found else 'NOT FOUND'}", highlight=False)
    runner.show(results, console)
    by_seed = clean_runs(healthy.clean, runs)
    false_runs = {seed: checks for seed, checks in by_seed.items() if checks}
    console.print(f"false findings in {len(false_runs)} of {runs} healthy systems {false_runs or ''}", highlight=False)
    figures: dict[str, object] = {
        "faults": len(results),
        "found": sum(one.is_found for one in results),
        "not_found": [one.fault.name for one in results if not one.is_found],
        "healthy": false,
        "seconds": round(time.perf_counter() - began, 1),
        "runs": runs,
        "runs_with_false_findings": len(false_runs),
        "false": false_runs,
    }
    print(json.dumps(figures, indent=2))
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def clean_runs(clean: runner.Clean, runs: int) -> dict[int, Sequence[str]]:
    """By seed the checks that found something in a system without a fault."""
    if not runs:
        return {}
    spawned = multiprocessing.get_context("spawn")  # this process has threads of Spark's client
    with ProcessPoolExecutor(os.cpu_count(), spawned, _keep, (clean,)) as pool:
        return dict(zip(range(runs), pool.map(_false, range(runs), chunksize=4), strict=True))


_kept: list[runner.Clean] = []


def _keep(clean: runner.Clean) -> None:
    _kept.append(clean)


def _false(seed: int) -> Sequence[str]:
    with threadpool_limits(1):
        return [f"{one.check} {one.subject}".strip() for one in _kept[0].findings(seed)]


if __name__ == "__main__":
    typer.run(main)
