"""Overhead of localbundle per notebook task on a warm workspace: empty notebooks in sequence and in parallel.

Run `python -m tests.bench.tasks`; it prints the figures and, with `--json FILE`, writes them. An empty notebook does no
work, so the seconds of the whole command divided by its tasks are the overhead of each.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
import yaml

TASKS = 8
MOST_S = 3.0
COMMAND = str(Path(sys.executable).parent / "localbundle")
BUNDLE = "bundle: {name: empty}\ninclude: [jobs.yml]\ntargets: {dev: {default: true}}\n"


def main(json_file: Annotated[Path | None, typer.Option("--json")] = None) -> dict[str, float]:
    """Returns {chain_s, side_by_side_s, chain_a_task_s, side_by_side_a_task_s, tasks, most_s}."""
    with tempfile.TemporaryDirectory(prefix="bench-tasks-") as folder:
        root = Path(folder)
        write_bundle(root)
        run(root, "up")
        try:
            run(root, "run", "chain")  # warms up: the first run on a new workspace costs more
            figures = {f"{job}_s": run(root, "run", job) for job in ("chain", "side_by_side")}
        finally:
            run(root, "down")
    figures |= {f"{name.removesuffix('_s')}_a_task_s": seconds / TASKS for name, seconds in list(figures.items())}
    figures = {name: round(seconds, 2) for name, seconds in figures.items()} | {"tasks": TASKS, "most_s": MOST_S}
    print(json.dumps(figures, indent=2))
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def write_bundle(root: Path) -> None:
    """Writes a bundle with two jobs of empty notebooks."""
    notebook = {"notebook_path": "empty.py"}
    alone = [{"task_key": f"t{number}", "notebook_task": notebook} for number in range(TASKS)]
    chain = [task | {"depends_on": [{"task_key": f"t{n - 1}"}] if n else []} for n, task in enumerate(alone)]
    jobs = {"chain": {"tasks": chain}, "side_by_side": {"tasks": alone}}
    (root / "databricks.yml").write_text(BUNDLE)
    (root / "empty.py").write_text("# Databricks notebook source\n")
    (root / "jobs.yml").write_text(yaml.safe_dump({"resources": {"jobs": jobs}}))


def run(root: Path, *words: str) -> float:
    """Runs a command; returns its seconds."""
    began = time.perf_counter()
    subprocess.run([COMMAND, *words], cwd=root, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    typer.run(main)
