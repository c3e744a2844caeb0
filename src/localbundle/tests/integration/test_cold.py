"""Runs that bring their own server: it goes with them, however they end."""

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from localbundle.workspace.server import Server
from localbundle_support.waiting import eventually, processes_with


@pytest.fixture
def home(tiny: Path) -> Iterator[Path]:
    home = tiny / ".localbundle/cold"
    yield home
    assert eventually(lambda: not processes_with(home), 30), processes_with(home)


@pytest.fixture
def start(command: str, tiny: Path, home: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    runs: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        arguments = [command, "run", "sleeper", "-t", "cold"]
        runs.append(subprocess.Popen(arguments, cwd=tiny, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()
        run.wait()


def sleeps(run: subprocess.Popen[str]) -> bool:
    assert run.poll() is None, run.communicate()[0]
    try:
        return any(process.name() == "sleep" for process in psutil.Process(run.pid).children(recursive=True))
    except psutil.NoSuchProcess:  # one of them ended meanwhile
        return False


def has_server(run: subprocess.Popen[str], home: Path) -> bool:
    assert run.poll() is None, run.communicate()[0]
    return Server(home).state() is not None


def state_of(tiny: Path, output: str) -> str:
    run_id = re.search(r"run (\d+), target cold", output)
    assert run_id, output
    return str(json.loads((tiny / f".localbundle/cold/runs/{run_id[1]}/run.json").read_text())["state"])


def test_ctrl_c_while_spark_starts(start, tiny: Path, home: Path) -> None:
    run = start()
    assert eventually(lambda: has_server(run, home))
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert (run.returncode, state_of(tiny, output)) == (130, "CANCELED")
    assert Server(home).state() is None


def test_kill_while_spark_starts(start, tiny: Path, home: Path) -> None:
    run = start()
    assert eventually(lambda: has_server(run, home))
    run.kill()
    run.communicate()
    assert eventually(lambda: Server(home).state() is None)


def test_a_server_that_dies_ends_the_run_and_says_so(start, tiny: Path, home: Path) -> None:
    run = start()
    assert eventually(lambda: sleeps(run))
    server = Server(home).state()
    assert server is not None
    psutil.Process(server.pid).kill()
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "Spark ended during the run" in output
    assert state_of(tiny, output) == "FAILED"


def test_two_cold_runs_at_once_share_one_server(start, tiny: Path, home: Path) -> None:
    first = start()
    second = start()
    assert eventually(lambda: sleeps(first) and sleeps(second))
    server = Server(home).state()
    assert server is not None
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    assert Server(home).state() == server
    second.kill()
    second.communicate()
    assert eventually(lambda: Server(home).state() is None)
