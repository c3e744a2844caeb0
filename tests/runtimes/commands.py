"""External commands: each has its own log, and an error shows the end of it."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / ".cache" / "runtimes"
_LAST_LINES = 25

console = Console(highlight=False, soft_wrap=True)


class Failed(Exception):
    """A failed step; the message is one line and the last output of the command."""


def run(name: str, command: Sequence[object], environment: Mapping[str, str] | None = None, at: Path = FOLDER) -> str:
    """Runs a command and returns its output, which is also written to .cache/runtimes/logs/NAME.log.

    Raises:
        Failed: its exit code is not 0.
    """
    log = FOLDER / "logs" / f"{name.replace('/', '_').replace(' ', '_')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(word) for word in command],
        cwd=at,
        env=dict(environment) if environment is not None else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    log.write_text(done.stdout, "utf-8")
    if done.returncode:
        last = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-_LAST_LINES:])
        raise Failed(f"{name}: exit code {done.returncode}; the full log is {log.relative_to(REPOSITORY)}\n{last}")
    return done.stdout


def clean_environment() -> dict[str, str]:
    """This process's environment variables without those of Spark, MLflow, Python and Databricks."""
    own = ("SPARK_", "PYSPARK_", "LOCALBUNDLE_", "MLFLOW_", "PYTHONPATH", "VIRTUAL_ENV", "DATABRICKS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}
