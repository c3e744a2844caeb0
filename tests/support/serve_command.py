"""`ragops serve` as a user starts it: a process of its own, over a local workspace with the index of three notes."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from tests.support.notes_index import ROOT, WORKSPACE

COMMAND = [sys.executable, "-m", "ragops.cli.app"]
TARGET = ["-t", "dev", "--schema", WORKSPACE.schema]
HERON = {"input": "What does the heron eat?"}
_URL = re.compile(r"page\s+(http://\S+)")


def write_record(home: Path) -> None:
    """What a run of the bundle leaves in the local workspace."""
    schema = {"catalog_name": WORKSPACE.catalog, "name": WORKSPACE.schema}
    resources = {"schemas": {"rag": schema}, "experiments": {"quality": {"name": "quality"}}}
    (home / "bundle.json").write_text(json.dumps({"resources": resources, "variables": {}}))


def write_usecase(file: Path, **serving: Any) -> list[str]:
    """The use case with other settings of the server, and the option that names it."""
    text = yaml.safe_load((ROOT / "usecase.yml").read_text())
    text["serving"] |= serving
    file.write_text(yaml.safe_dump(text))
    return ["--usecase", str(file)]


@dataclass
class Served:
    """A running command."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def ask(self, **more: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/responses", json=HERON | more, timeout=60)

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.url}{path}", timeout=60).json()


@contextmanager
def serving(home: Path, *options: str, **environment: str) -> Iterator[Served]:
    """The command while it runs; killed at the end unless it has ended."""
    log, place = home / f"serve-{time.monotonic_ns()}.log", {"LOCALBUNDLE_HOME": str(home)}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*COMMAND, "serve", *TARGET, "--port", "0", *options],
            cwd=ROOT,
            env=os.environ | place | environment,
            stderr=file,
            stdout=subprocess.DEVNULL,
        )
    try:
        while not (found := _URL.search(log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield Served(found[1], process, log)
    finally:
        process.kill()
        process.wait()


def status(url: str, question: str) -> int:
    """The status of a question over a connection of its own. One httpx client for 200 threads closes those in use."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=120)
    with closing(connection):
        connection.request("POST", "/responses", json.dumps({"input": question}), {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status


def failing(home: Path, *arguments: str, **environment: str) -> str:
    """The one line of a command that is refused."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=os.environ | {"LOCALBUNDLE_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    return line
