"""A packaged chain where it is served: a folder, an environment of its own requirements, and nothing else."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.bundles import Bundle

ASK = """
import importlib.util, json, sys
import mlflow
for absent in ("pyspark", "torch", "ragops", "localbundle"):
    assert importlib.util.find_spec(absent) is None, absent
model = mlflow.pyfunc.load_model(sys.argv[1])
asked = [{"input": [{"role": "user", "content": question}]} for question in sys.argv[2:]]
answers = [model.predict(one) for one in asked]
print(json.dumps([answers, list(model.predict_stream(asked[0]))]))
"""


def downloaded(bundle: Bundle, uri: str, folder: Path) -> Path:
    """A copy of a registered model, made by the environment that has its registry."""
    store = f"sqlite:///{bundle.home}/mlflow/mlflow.db"
    result = "import mlflow, sys; mlflow.artifacts.download_artifacts(sys.argv[1], dst_path=sys.argv[2])"
    environment = os.environ | {"MLFLOW_TRACKING_URI": store, "MLFLOW_REGISTRY_URI": store}
    command = [*bundle.command("python"), "-c", result, uri, str(folder)]
    subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    return folder


def clean_environment(bundle: Bundle, model: Path, folder: Path) -> Path:
    """An environment with what the model asks for, and nothing that it does not name; returns its folder."""
    (uv,), requirements = bundle.command("uv"), model / "requirements.txt"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    python = ["--python", str(folder / "bin" / "python")]
    subprocess.run([uv, "pip", "install", "--quiet", *python, "-r", str(requirements)], check=True)
    frozen = subprocess.run([uv, "pip", "freeze", *python], capture_output=True, text=True, check=True).stdout
    pinned = {line.strip().casefold() for line in requirements.read_text().splitlines()}
    assert {line.casefold() for line in frozen.splitlines()} == pinned, "not exactly the pinned packages"
    return folder


@dataclass(frozen=True)
class Elsewhere:
    """Processes that run an environment's programs in a folder of their own, with an empty home.

    `workspace`: the local workspace named in their environment; None for none.
    """

    environment: Path
    folder: Path
    workspace: Path | None = None

    def ask(self, model: Path, *questions: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The answers, and the events of the first one streamed."""
        command = [str(self.environment / "bin" / "python"), "-c", ASK, str(model), *questions]
        done = subprocess.run(
            command, cwd=self._here(), env=self._variables(), capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        assert not list(self._here().iterdir())
        answers, events = json.loads(done.stdout.strip().splitlines()[-1])
        return answers, events

    @contextmanager
    def served(self, model: Path) -> Iterator[httpx.Client]:
        """A client of `mlflow models serve`, which has chosen a port itself."""
        command = [str(self.environment / "bin" / "mlflow"), "models", "serve", "-m", str(model)]
        process = subprocess.Popen(
            [*command, "--env-manager", "local", "--host", "127.0.0.1", "--port", "0"],
            cwd=self._here(),
            env=self._variables(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            with httpx.Client(base_url=_address(process), timeout=120) as client:
                yield client
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=60)

    def _variables(self) -> dict[str, str]:
        own = {"PATH": f"{self.environment / 'bin'}:{os.defpath}", "HOME": str(self.folder / "home")}
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
        return own | quiet | ({"LOCALBUNDLE_HOME": str(self.workspace)} if self.workspace else {})

    def _here(self) -> Path:
        (self.folder / "home").mkdir(parents=True, exist_ok=True)
        here = self.folder / "here"
        here.mkdir(exist_ok=True)
        return here


def _address(process: "subprocess.Popen[str]") -> str:
    """Where the server says that it listens, once it does."""
    said: list[str] = []
    assert process.stderr
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"running on (http://127\.0\.0\.1:[1-9]\d*)", line):
            return found[1]
    raise AssertionError("".join(said))


def text_and_citations(answer: dict[str, Any]) -> tuple[str, Sequence[str]]:
    """What an answer says, and the files that it cites."""
    (part,) = answer["output"][0]["content"]
    return part["text"], [one["filename"] for one in part["annotations"]]
