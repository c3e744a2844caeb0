"""kill -9 at random moments of batches: answers lost, doubled or mixed up.

Run `python -m tests.bench.batch_kills`; with `--json FILE` it writes the counts. The runs are those of
tests/support/batch_kills.py, in a workspace of their own.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.bench.kills import new_bundle
from tests.e2e.bundles import REPOSITORY

KILLS = 20
console = Console()


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    kills: Annotated[int, typer.Option(help="Number of runs to kill.")] = KILLS,
) -> dict[str, object]:
    """Prints and returns {kills, interrupted, questions, lost, doubled, wrong, left_over, calls, seconds}."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-batch-kills-") as folder:
        bundle = new_bundle(Path(folder) / "bundle")
        bundle.environment["PYTHONPATH"] = str(REPOSITORY)
        bundle.seconds = 7200
        try:
            words = ["-m", "tests.support.batch_kills", "killed", "--kills", str(kills)]
            done = bundle.run("localbundle", "exec", "-t", "dev", "--", sys.executable, *words)
        finally:
            bundle.run("localbundle", "down", "-t", "dev", check=False)
    result: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    result["seconds"] = round(time.perf_counter() - began, 1)
    console.print_json(data=result)
    if json_file:
        json_file.write_text(json.dumps(result, indent=1))
    return result


if __name__ == "__main__":
    typer.run(main)
