"""The Databricks App as a process: the deployed files, only its own packages, the platform's variables and limits."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from localbundle.definitions.bundle import load_bundle

from tests.support.app_double import CLIENT_ID, CLIENT_SECRET
from tests.support.notes_index import ROOT

APP = load_bundle(ROOT, "prod").config["resources"]["apps"]["chat"]
MEMORY = 6 << 30
CPUS = 2
TERMINATION_S = 15
DEPLOYED = ("databricks.yml", "usecase.yml", "requirements.txt", "environments", "resources", "src/ragops")


@dataclass
class App:
    """A running App."""

    url: str
    process: psutil.Popen
    log: Path
    peak: int = 0
    """The most bytes that it had in memory so far, with its child processes; taken when `measure` is called."""

    def measure(self) -> int:
        """Takes the peak of each of its processes, and returns their sum."""
        family = [self.process.pid, *(one.pid for one in self.process.children(recursive=True))]
        self.peak = max(self.peak, sum(map(_peak, family)))
        return self.peak


def build(folder: Path) -> Path:
    """Installs the App's packages into a new environment; returns its Python."""
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--python", "3.11", folder], check=True)
    install = [*uv, "pip", "install", "-q", "--python", folder / "bin" / "python", "-r", ROOT / "requirements.txt"]
    if subprocess.run(install, capture_output=True).returncode:
        pytest.skip("needs a package index with what requirements.txt names")
    return folder / "bin" / "python"


def deploy(folder: Path) -> Path:
    """What a deployment puts into the App: the files that `sync` leaves, as far as the App needs them."""
    for name in DEPLOYED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    return folder


@contextmanager
def running(python: Path, source: Path, address: str, *options: str, **more: str) -> Iterator[App]:
    """The App's own command and environment, as its service principal, with its memory and CPUs.

    It must end by itself on SIGTERM, in less than the platform's 15 s.
    """
    port = _free_port()
    given = {one["name"]: one["value"] for one in APP["config"]["env"] if "value" in one}
    platform = {"DATABRICKS_APP_NAME": APP["name"], "DATABRICKS_APP_PORT": str(port), "DATABRICKS_HOST": address}
    platform |= {"DATABRICKS_CLIENT_ID": CLIENT_ID, "DATABRICKS_CLIENT_SECRET": CLIENT_SECRET}
    platform |= {"PATH": os.environ["PATH"], "HOME": str(source.parent / "nobody")}
    names = {"RAGOPS_CATALOG": "main", "RAGOPS_SCHEMA": "rag", "RAGOPS_LLM": "quotes"}
    command = [str(python), *APP["config"]["command"][1:], *options]
    log = source.parent / "app.log"
    with log.open("wb") as out:
        process = psutil.Popen(
            command, cwd=source, env=given | platform | names | more, stdout=out, stderr=out, preexec_fn=_limit
        )
    app = App(f"http://127.0.0.1:{port}", process, log)
    try:
        while not _answers(app.url):
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield app
        app.measure()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(TERMINATION_S) == 0, log.read_text()
    finally:
        for one in (*process.children(recursive=True), process) if process.poll() is None else ():
            one.kill()
        process.wait()


def _limit() -> None:
    """What the App's container has: RLIMIT_DATA counts what processes write to, not the files that they map."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CPUS])


def _peak(pid: int) -> int:
    """0 if the process has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next((line.split()[1] for line in lines if line.startswith("VmHWM")), 0)) << 10


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=30).status_code == 200
    except httpx.TransportError:
        return False
