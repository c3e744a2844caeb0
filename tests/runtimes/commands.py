"""Commands of others: each with a log of its own, of which a failure shows the end."""

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
    """A step that went wrong; the message is one line, and what the command printed last."""


def run(name: str, command: Sequence[object], environment: Mapping[str, str] | None = None, at: Path = FOLDER) -> str:
    """Runs a command and returns what it printed; all of it is kept in .cache/runtimes/logs/NAME.log.

    Raises:
        Failed: it ended with another code than 0.
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
        raise Failed(f"{name}: exit code {done.returncode}; the whole log is {log.relative_to(REPOSITORY)}\n{last}")
    return done.stdout


def clean_environment() -> dict[str, str]:
    """What commands inherit: nothing of the environment that this one runs in."""
    of_mine = ("SPARK_", "PYSPARK_", "LOCALBUNDLE_", "MLFLOW_", "PYTHONPATH", "VIRTUAL_ENV", "DATABRICKS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(of_mine)}
