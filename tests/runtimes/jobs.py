"""The job's own tasks, run with the Python of their places: those of serverless compute through Spark Connect, that of
the GPU cluster in a classic session on the same tables.
"""

import json
import shlex
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localbundle.runs.record import RunRecord, read_run
from localbundle.workspace.server import Server

from tests.runtimes.commands import FOLDER, Failed, clean_environment, run
from tests.runtimes.environment import Environment
from tests.runtimes.places import GPU, SERVERLESS
from tests.runtimes.snapshot import TARGET

QUESTION = "How do I make sure that a resource is released even if an error occurs?"
_CLASSIC = Path(__file__).with_name("classic.py")


@dataclass
class Workspace:
    """The local workspace of the copied bundle, and by kind of compute how many tasks ended well, of how many."""

    root: Path
    succeeded: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)

    @property
    def home(self) -> Path:
        """Its folder."""
        return self.root / ".localbundle" / TARGET

    def environment(self, python: Path) -> dict[str, str]:
        """What a command of this Python finds; converted models are kept apart from those of this machine's user."""
        mine = clean_environment()
        mine["PATH"] = f"{python.parent}:{Path(sys.executable).parent}:{mine['PATH']}"
        return mine | {"XDG_CACHE_HOME": str(FOLDER / "cache")}

    def sample(self) -> None:
        """Lays the sample corpus, with this repository's own environment: that is no task of a job."""
        python = Path(sys.executable)
        for words in (["localbundle", "validate", "-t", TARGET], ["ragops", "sample"]):
            run(" ".join(words[:2]), [python.with_name(words[0]), *words[1:]], self.environment(python), self.root)

    def job(self, built: Environment, job: str, only: str = "", **parameters: str) -> RunRecord:
        """Runs a job, or some of its tasks, with an environment's localbundle.

        Raises:
            Failed: a task of it failed.
        """
        words = [built.python.with_name("localbundle"), "run", job, "-t", TARGET]
        words += ["--only", only] if only else []
        words += ["--params", ",".join(f"{name}={value}" for name, value in parameters.items())] if parameters else []
        before = self._runs()
        try:
            run(f"{built.label} run {job} {only}".strip(), words, self.environment(built.python), self.root)
        finally:
            for number in sorted(self._runs() - before):
                self._count(read_run(self.home, number))
        return read_run(self.home, max(self._runs()))

    def embed(self, built: Environment, ingested: RunRecord) -> str:
        """Runs the embed task's notebook in a classic session, on the CPU.

        Raises:
            Failed: it failed, or left texts without a vector.
        """
        self.tried[GPU] += 1
        properties = self.home / "conf" / "spark.properties"
        given = json.dumps({**ingested.parameters, "encoder": "torch"})
        words = [built.python, _CLASSIC, properties, self.root / "notebooks" / "refresh_embeddings.ipynb", given]
        environment = self.environment(built.python) | Server(self.home).environment()
        result = run(f"{built.label} classic session", words, environment, self.root)
        self.succeeded[GPU] += 1
        return result.strip().splitlines()[-1]

    def search(self, built: Environment) -> str:
        """Asks the index; returns the path of the passage that is found first.

        Raises:
            Failed: nothing is found.
        """
        words = [built.python.with_name("ragops"), "search", QUESTION, "--json"]
        result = run(f"{built.label} search", words, self.environment(built.python), self.root)
        passages = json.loads(result[result.index("{") :])["passages"]
        if not passages:
            raise Failed(f"{built.label}: `{shlex.join(map(str, words))}` finds nothing")
        return str(passages[0]["path"])

    def _runs(self) -> set[int]:
        return {int(folder.name) for folder in (self.home / "runs").glob("[0-9]*")}

    def _count(self, record: RunRecord) -> None:
        ended: Mapping[str, str] = {key: task.state for key, task in record.tasks.items()}
        self.tried[SERVERLESS] += len(ended)
        self.succeeded[SERVERLESS] += sum(state in ("SUCCESS", "EXCLUDED") for state in ended.values())
