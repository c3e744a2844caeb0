"""`make test-runtimes`: the jobs and the suites with what Databricks' runtimes ship. `python -m tests.runtimes --help`.

For each place an environment as a job finds it there, what the job installs on top by plain pip, what that changed,
then the job's own tasks on the sample corpus, and vLLM on the CPU. It takes over an hour and some 30 GB, most of it in
uv's cache.
"""

import shutil
import sys
from typing import Annotated

import typer
from localbundle.errors import BundleError

from tests.runtimes.commands import FOLDER, Failed, console
from tests.runtimes.summary import table
from tests.runtimes.trial import Trial


def main(
    runtimes: Annotated[
        list[str] | None,
        typer.Argument(
            help="Runtimes in place of those of environments/runtimes.yml: 19.x-gpu-ml-scala2.13 serverless-v6."
        ),
    ] = None,
    suites: Annotated[bool, typer.Option(help="Run the unit and integration suites too.")] = True,
) -> None:
    """Tries the jobs and the suites on the runtimes they run on. Exit code 1 on any failure."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    before = shutil.disk_usage(FOLDER).used
    try:
        trial = Trial(runtimes or [])
        rows = trial.run(with_suites=suites)
    except (Failed, BundleError) as error:
        sys.exit(f"error: {error}")
    console.print(table(rows))
    after = shutil.disk_usage(FOLDER).used
    console.print(
        f"disk in use: {before / 1e9:.1f} GB before, {after / 1e9:.1f} GB after; environments and logs: {FOLDER}"
    )
    for failure in trial.failures:
        console.print(f"failed: {failure}", style="red", markup=False)
    sys.exit(1 if trial.failures else 0)


if __name__ == "__main__":
    typer.run(main)
