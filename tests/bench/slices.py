"""A load of 3,000 small files that is killed three times: whether it converges, and whether a slice is repeated.

Run `python -m tests.bench.slices`; it prints the figures and, with `--json FILE`, writes them. The process that runs
the stages gets SIGKILL as soon as it reports that a slice is merged; the next one continues. The history of each table
shows what every MERGE inserted.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from tests.e2e.bundles import REPOSITORY, Bundle, copy_bundle

FILES = 3_000
SLICE = 500
CUTS = ("documents: slice 2 ", "documents: slice 3 ", "chunks: slice 3 ")
SCHEMA = "sliced"


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    files: Annotated[int, typer.Option(help="Number of files to load.")] = FILES,
    most: Annotated[int, typer.Option(help="Number of files in a slice.")] = SLICE,
) -> dict[str, object]:
    """Returns {files, cuts, seconds, and rows, inserted, merges of each table}."""
    with tempfile.TemporaryDirectory(prefix="bench-slices-") as folder:
        bundle, landing = copy_bundle(Path(folder)), Path(folder) / "landing"
        landing.mkdir()
        for number in range(files):
            (landing / f"{number:05d}.md").write_text(f"# Note {number}\n\nNothing but the number {number} is noted.\n")
        bundle.run("localbundle", "up", "-t", "dev")
        try:
            began = time.perf_counter()
            cuts = sum(load(bundle, landing, most, cut) for cut in CUTS)
            load(bundle, landing, most, "")
            figures: dict[str, object] = {"files": files, "cuts": cuts, "seconds": time.perf_counter() - began}
            figures |= {table: table_figures(bundle, table) for table in ("documents", "chunks")}
        finally:
            bundle.run("localbundle", "down", "-t", "dev")
    print(json.dumps(figures, indent=2))
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def load(bundle: Bundle, landing: Path, most: int, cut: str) -> bool:
    """Runs the stages until they print a line that starts with `cut`, then kills them; returns whether it did."""
    words = ["localbundle", "exec", "-t", "dev", "--", sys.executable, "-m", "tests.bench.sliced_load"]
    words += ["--schema", SCHEMA, "--landing", str(landing), "--most", str(most)]
    words += ["--usecase", str(bundle.root / "usecase.yml")]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = bundle.command(*words)
    with subprocess.Popen(
        command, cwd=bundle.root, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            if cut and line.startswith(cut):
                os.killpg(running.pid, 9)
                return True
    if running.returncode:
        raise SystemExit(f"exit code {running.returncode}")
    return False


def table_figures(bundle: Bundle, table: str) -> dict[str, int]:
    """The rows of a table and, from its history, the rows inserted in total and the MERGEs that inserted any."""
    name = f"spark_catalog.{SCHEMA}.{table}"
    history = bundle.sql(f"DESCRIBE HISTORY {name}")
    merged = [int(row["operationMetrics"]["numTargetRowsInserted"]) for row in history if row["operation"] == "MERGE"]
    rows = bundle.sql(f"SELECT count(*) AS n FROM {name}")[0]["n"]
    return {"rows": rows, "inserted": sum(merged), "merges": sum(bool(count) for count in merged)}


if __name__ == "__main__":
    typer.run(main)
