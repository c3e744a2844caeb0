"""The bundle itself, run from a folder of the tests' own: links to the repository's files, a workspace next to them."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import localbundle.cli
from localbundle.volumes.environment import environment as strict_environment
from localbundle.workspace.server import Server
from pyspark.sql import SparkSession

import ragops.cli.app
from tests.support.strict_volumes import strict_volumes

REPOSITORY = Path(__file__).parents[2]
LINKED = ("databricks.yml", "environments", "resources", "notebooks", "pyproject.toml")
BIN = Path(sys.executable).parent


@dataclass
class Bundle:
    """A copy of the bundle's definitions and the commands a user types in it."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    seconds: float = 600
    """Until a command that still runs is a failure."""

    @property
    def home(self) -> Path:
        return self.root / ".localbundle" / "dev"

    @property
    def record(self) -> Path:
        """Where the tasks' requests are noted, if they are."""
        return self.root / "requests.jsonl"

    def command(self, *words: str) -> list[str]:
        return [str(BIN / words[0]), *words[1:]]

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*words),
            cwd=self.root,
            env=_clean_environment() | strict_environment(self.home / "Volumes", strict=True) | self.environment,
            capture_output=True,
            text=True,
            timeout=self.seconds,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def refused(self, *words: str) -> str:
        """What a command that refuses its input prints on standard error; checks that it is one line."""
        code, _, errors = self.here(*words)
        assert code == 2, (code, errors)
        assert len(errors.strip().splitlines()) == 1, errors
        assert not (self.home / "server.log").exists(), "Spark was started"
        return errors

    def here(self, *words: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a command that runs in this process, which spares it a second of imports.

        Not for a command that needs Spark: it replaces its process with another.
        """
        command = {"ragops": ragops.cli.app.run, "localbundle": localbundle.cli.main}[words[0]]
        out, errors, code = io.StringIO(), io.StringIO(), 0
        with (
            strict_volumes(self.home / "Volumes"),
            contextlib.chdir(self.root),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
            patch.object(sys, "argv", list(words)),
            patch.object(os, "execv", side_effect=AssertionError(f"{' '.join(words)} needs Spark: use Bundle.run")),
            patch.dict(os.environ, _clean_environment() | self.environment, clear=True),
        ):
            try:
                command()
            except SystemExit as end:
                code = int(end.code or 0)
        return code, out.getvalue(), errors.getvalue()

    def refresh(self, check: bool = True, **parameters: str) -> subprocess.CompletedProcess[str]:
        pairs = ",".join(f"{name}={value}" for name, value in parameters.items())
        return self.run("localbundle", "run", "refresh", "-t", "dev", "--params", pairs, check=check)

    def search(self, question: str, schema: str, k: int = 5) -> list[dict[str, Any]]:
        code, found, errors = self.here("ragops", "search", question, "-k", str(k), "--json", "--schema", schema)
        assert code == 0, errors
        passages: list[dict[str, Any]] = json.loads(found)["passages"]
        return passages

    def index(self, schema: str) -> Path:
        return self.home / "Volumes" / "spark_catalog" / schema / "indexes" / "passages"

    def pointer(self, schema: str) -> dict[str, Any]:
        pointer: dict[str, Any] = json.loads((self.index(schema) / "pointer.json").read_text())
        return pointer

    def schema(self) -> str:
        """The name that target dev gives to the schema of the tables."""
        _, config, _ = self.here("localbundle", "validate", "-t", "dev", "-o", "json")
        name: str = json.loads(config)["resources"]["schemas"]["rag"]["name"]
        return name

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """The rows of a query, or of a command, on the bundle's running server."""
        state = Server(self.home).state()
        assert state is not None, "no server runs"
        session = SparkSession.builder.remote(state.remote).create()
        try:
            return [row.asDict(True) for row in session.sql(statement).collect()]
        finally:
            session.stop()


def _clean_environment() -> dict[str, str]:
    """Without the experiment that a command in this process opened before: MLflow keeps it in the environment."""
    return {name: value for name, value in os.environ.items() if name != "MLFLOW_EXPERIMENT_ID"}


def copy_bundle(root: Path) -> Bundle:
    for name in LINKED:
        (root / name).symlink_to(REPOSITORY / name)
    (root / "usecase.yml").write_text((REPOSITORY / "usecase.yml").read_text())
    return Bundle(root)


ANIMALS = ("heron", "badger", "otter", "kestrel", "lynx", "marten", "osprey", "polecat")


def write_notes(folder: Path) -> None:
    for number, animal in enumerate(ANIMALS):
        (folder / f"{animal}.md").write_text(
            f"# The {animal}\n\nWhat the {animal} does all day.\n\n"
            f"## Food\n\nThe {animal} eats {number + 2} fish before noon.\n\n"
            f"## Home\n\nThe {animal} sleeps under the old bridge number {number}.\n"
        )
