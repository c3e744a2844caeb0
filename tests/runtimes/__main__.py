"""Runs jobs and suites with the packages of Databricks' runtimes: `make test-runtimes`.

For each platform it builds the environment that a job starts from, installs what the job installs with plain pip,
reports the changes, and runs the job's tasks on the sample corpus and vLLM on the CPU. It takes more than an hour and
about 30 GB, most of it in uv's cache. Options: `python -m tests.runtimes --help`.
"""

import shutil
import sys
from typing import Annotated

import typer
from localbundle.errors import BundleError

from ragops.errors import UserError
from tests.runtimes.commands import FOLDER, Failed, console
from tests.runtimes.summary import table
from tests.runtimes.trial import Trial


def main(
    runtimes: Annotated[
        list[str] | None,
        typer.Argument(
            help="Runtimes instead of those in environments/runtimes.yml: 19.x-gpu-ml-scala2.13 serverless-v6."
        ),
    ] = None,
    suites: Annotated[bool, typer.Option(help="Also run the unit and integration suites.")] = True,
) -> None:
    """Tests the jobs and the suites on their runtimes. Exit code 1 on any failure."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    before = shutil.disk_usage(FOLDER).used
    try:
        trial = Trial(runtimes or [])
        rows = trial.run(with_suites=suites)
    except (Failed, BundleError, UserError) as error:
        sys.exit(f"error: {error}")
    console.print(table(rows))
    after = shutil.disk_usage(FOLDER).used
    console.print(
        f"disk usage: {before / 1e9:.1f} GB before, {after / 1e9:.1f} GB after; environments and logs: {FOLDER}"
    )
    for failure in trial.failures:
        console.print(f"failed: {failure}", style="red", markup=False)
    sys.exit(1 if trial.failures else 0)


if __name__ == "__main__":
    typer.run(main)
