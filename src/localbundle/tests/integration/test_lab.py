"""The kernel "local workspace" under `localbundle lab` and as VS Code starts it, and the end of what they start."""

import contextlib
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from localbundle.lab.kernelspec import NAME, write_kernel
from localbundle.workspace.processes import OWNER_VARIABLE
from localbundle.workspace.server import Server

Ask = Callable[[str], str]


def eventually(true: Callable[[], object], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(true())


@contextlib.contextmanager
def kernel(folder: Path, kernels: Path, **environment: str) -> Iterator[tuple[KernelManager, Ask]]:
    """A kernel started in a folder, and a function that runs a cell and gives all its outputs as text."""
    write_kernel(kernels)
    manager = KernelManager(kernel_name=NAME, kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels)]))
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("LOCALBUNDLE", "SPARK"))}
    manager.start_kernel(cwd=str(folder), env=inherited | environment)
    client = manager.client()
    client.start_channels()

    def ask(source: str) -> str:
        result: list[str] = []

        def hear(message: dict) -> None:
            if message["msg_type"] not in ("stream", "error", "display_data", "execute_result"):
                return
            content = message["content"]
            result.append(
                content.get("text") or "\n".join(content.get("traceback", [])) or str(content.get("data", ""))
            )

        client.execute_interactive(source, output_hook=hear, timeout=180)
        return "".join(result)

    try:
        client.wait_for_ready(timeout=60)
        yield manager, ask
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


@pytest.fixture(scope="module")
def ask(tiny: Path, warm: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Cells of a notebook that the job flow runs, as under `localbundle lab`."""
    environment = {
        "LOCALBUNDLE_HOME": str(tiny / ".localbundle/dev"),
        "JPY_SESSION_NAME": str(tiny / "ingest.ipynb"),
        OWNER_VARIABLE: "a lab",
    }
    with kernel(tiny, tmp_path_factory.mktemp("kernels"), **environment) as (_, asked):
        yield asked


def test_what_databricks_has_exists_before_the_first_cell(ask: Ask) -> None:
    names = ("spark", "sql", "dbutils", "display", "displayHTML")
    assert ask(f"print([name in globals() for name in {names}])").strip() == str([True] * len(names))
    assert "7" in ask("print(spark.sql('SELECT 3 + 4').collect(), sql('SELECT 1').columns)")
    assert "widget-view" in ask("%sql SELECT 1 AS one")
    assert "['two']" in ask("%%sql\nSELECT 2\nAS two") + ask("print(_sqldf.columns)")
    assert "<b>bold</b>" in ask("displayHTML('<b>bold</b>')")


def test_widgets_begin_as_the_job_sets_them(ask: Ask) -> None:
    result = ask("dbutils.widgets.text('rows', 'own'); dbutils.widgets.text('run', 'by hand')")
    assert "widget-view" in result
    assert "3 docs\n" in ask("print(dbutils.widgets.get('rows'), dbutils.widgets.get('landing'))")
    assert "base by hand\n" in ask("print(dbutils.widgets.get('own'), dbutils.widgets.get('run'))")


def test_a_notebook_runs_another_one_and_ends_where_it_says(ask: Ask, tiny: Path) -> None:
    (tiny / "other.py").write_text("# Databricks notebook source\nshared = 42\n")
    assert ask("%run ./other") + ask("print(shared)") == "42\n"
    assert "no such notebook" in ask("%run ./nowhere")
    assert "Notebook exited: done" in ask("dbutils.notebook.exit('done')")


def test_pip_says_what_it_changes(ask: Ask) -> None:
    result = ask("%pip --version")
    assert "for every notebook here" in result
    assert re.search(r"pip \d+", result)


def test_display_takes_at_most_a_thousand_rows_from_spark(ask: Ask) -> None:
    result = ask("display(spark.range(5000))")
    assert "widget-view" in result
    assert "text/html" in result


def test_a_kernel_without_spark_says_what_mends_it(tiny: Path, tmp_path: Path) -> None:
    environment = {"LOCALBUNDLE_HOME": str(tiny / ".localbundle/cold"), OWNER_VARIABLE: "a lab"}
    with kernel(tiny, tmp_path, **environment) as (_, asked):
        result = asked("print('begun')")
    assert result == "error: Spark is not running for target cold; `localbundle up -t cold`, then run this cell again"


@pytest.fixture
def cold(tmp_path: Path) -> Path:
    """A bundle whose Spark nobody has started."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "databricks.yml").write_text("bundle: {name: b}\ntargets: {dev: {default: true}}\n")
    return tmp_path


@pytest.mark.parametrize("end", ["shutdown", "kill"])
def test_a_kernel_of_vs_code_starts_spark_and_takes_it_with_it(cold: Path, end: str) -> None:
    home = cold / ".localbundle/dev"
    with kernel(cold, cold / "kernels") as (manager, asked):
        assert asked("print(spark.range(3).count())") == "3\n"
        assert Server(home).state() is not None
        assert "a volume on Databricks cannot append" in asked(f"open({str(home / 'Volumes' / 'log')!r}, 'a')")
        if end == "kill":
            manager.provisioner.process.kill()
            assert eventually(lambda: Server(home).state() is None)
    assert eventually(lambda: Server(home).state() is None)


def carrying(root: Path) -> list[psutil.Process]:
    """Processes that have the bundle's folder in their environment or on their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(root) in word for word in [*process.cmdline(), process.environ().get("LOCALBUNDLE_HOME", "")]):
                found.append(process)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_lab_ends_with_all_that_it_started(cold: Path, command: str, number: signal.Signals) -> None:
    lab = subprocess.Popen([command, "lab", "--no-browser"], cwd=cold, stdout=subprocess.PIPE, text=True)
    assert lab.stdout is not None
    address = next(found[0] for line in lab.stdout if (found := re.search(r"http://\S+", line)))
    base, token = address.split("lab?")
    with urllib.request.urlopen(f"{base}api/kernelspecs?{token}") as answer:
        assert b'"default": "local-workspace"' in answer.read()
    request = urllib.request.Request(f"{base}api/kernels?{token}", data=b"{}", method="POST")
    urllib.request.urlopen(request).close()
    lab.send_signal(number)
    assert lab.wait(60) == (-9 if number == signal.SIGKILL else 0)
    assert eventually(lambda: not carrying(cold)), carrying(cold)


def test_the_lab_leaves_a_spark_that_it_found(tiny: Path, warm: None, command: str) -> None:
    state = Server(tiny / ".localbundle/dev").state()
    lab = subprocess.Popen([command, "lab", "--no-browser"], cwd=tiny, stdout=subprocess.PIPE, text=True)
    assert lab.stdout is not None
    assert any("http://" in line for line in lab.stdout)
    lab.send_signal(signal.SIGINT)
    assert lab.wait(60) == 0
    assert Server(tiny / ".localbundle/dev").state() == state
