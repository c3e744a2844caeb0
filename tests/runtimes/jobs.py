"""The job's tasks, run with the Python of their platform.

Tasks of serverless compute use Spark Connect, that of the GPU cluster a classic session on the same tables.
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
from tests.runtimes.platforms import GPU, SERVERLESS
from tests.runtimes.snapshot import TARGET

QUESTION = "How do I make sure that a resource is released even if an error occurs?"
_CLASSIC = Path(__file__).with_name("classic.py")


@dataclass
class Workspace:
    """The local workspace of the copied bundle, with counts of tasks by kind of compute."""

    root: Path
    succeeded: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)

    @property
    def home(self) -> Path:
        """Its folder."""
        return self.root / ".localbundle" / TARGET

    def environment(self, python: Path) -> dict[str, str]:
        """The environment variables of a command; converted models are kept apart from the user's."""
        variables = clean_environment()
        variables["PATH"] = f"{python.parent}:{Path(sys.executable).parent}:{variables['PATH']}"
        return variables | {"XDG_CACHE_HOME": str(FOLDER / "cache")}

    def sample(self) -> None:
        """Writes the sample corpus with this repository's environment, since no job does that."""
        python = Path(sys.executable)
        for words in (["localbundle", "validate", "-t", TARGET], ["ragops", "sample"]):
            run(" ".join(words[:2]), [python.with_name(words[0]), *words[1:]], self.environment(python), self.root)

    def job(self, built: Environment, job: str, only: str = "", **parameters: str) -> RunRecord:
        """Runs a job, or some of its tasks, with an environment's localbundle.

        Raises:
            Failed: a task failed.
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
        """Searches the index; returns the path of the first passage.

        Raises:
            Failed: nothing is found.
        """
        words = [built.python.with_name("ragops"), "search", QUESTION, "--json"]
        result = run(f"{built.label} search", words, self.environment(built.python), self.root)
        passages = json.loads(result[result.index("{") :])["passages"]
        if not passages:
            raise Failed(f"{built.label}: `{shlex.join(map(str, words))}` found nothing")
        return str(passages[0]["path"])

    def _runs(self) -> set[int]:
        return {int(folder.name) for folder in (self.home / "runs").glob("[0-9]*")}

    def _count(self, record: RunRecord) -> None:
        ended: Mapping[str, str] = {key: task.state for key, task in record.tasks.items()}
        self.tried[SERVERLESS] += len(ended)
        self.succeeded[SERVERLESS] += sum(state in ("SUCCESS", "EXCLUDED") for state in ended.values())
