"""The kernel "local workspace" under `localbundle lab` and as VS Code starts it, and the end of their processes."""

import contextlib
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from localbundle.lab.jupyter import KERNEL, write_kernel
from localbundle.workspace.environment import OWNER
from localbundle.workspace.server import Server
from localbundle_support.waiting import eventually, processes_with

RunCell = Callable[[str], str]


@contextlib.contextmanager
def kernel(folder: Path, kernels: Path, **environment: str) -> Iterator[tuple[KernelManager, RunCell]]:
    """A kernel started in a folder, and a function that runs a cell and gives all its outputs as text."""
    write_kernel(kernels)
    manager = KernelManager(kernel_name=KERNEL, kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels)]))
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("LOCALBUNDLE", "SPARK"))}
    manager.start_kernel(cwd=str(folder), env=inherited | environment)
    client = manager.client()
    client.start_channels()

    def run_cell(source: str) -> str:
        result: list[str] = []

        def collect(message: dict) -> None:
            if message["msg_type"] not in ("stream", "error", "display_data", "execute_result"):
                return
            content = message["content"]
            result.append(
                content.get("text") or "\n".join(content.get("traceback", [])) or str(content.get("data", ""))
            )

        client.execute_interactive(source, output_hook=collect, timeout=180)
        return "".join(result)

    try:
        client.wait_for_ready(timeout=60)
        yield manager, run_cell
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


@pytest.fixture(scope="module")
def run_cell(tiny: Path, warm: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunCell]:
    """Cells of a notebook that the job flow runs, as under `localbundle lab`."""
    environment = {
        "LOCALBUNDLE_HOME": str(tiny / ".localbundle/dev"),
        "JPY_SESSION_NAME": str(tiny / "ingest.ipynb"),
        OWNER: "a lab",
    }
    with kernel(tiny, tmp_path_factory.mktemp("kernels"), **environment) as (_, run_cell):
        yield run_cell


def test_the_names_of_databricks_exist_before_the_first_cell(run_cell: RunCell) -> None:
    names = ("spark", "sql", "dbutils", "display", "displayHTML")
    assert run_cell(f"print([name in globals() for name in {names}])").strip() == str([True] * len(names))
    assert "7" in run_cell("print(spark.sql('SELECT 3 + 4').collect(), sql('SELECT 1').columns)")
    assert "widget-view" in run_cell("%sql SELECT 1 AS one")
    assert "['two']" in run_cell("%%sql\nSELECT 2\nAS two") + run_cell("print(_sqldf.columns)")
    assert "<b>bold</b>" in run_cell("displayHTML('<b>bold</b>')")


def test_widgets_start_with_the_values_of_the_job(run_cell: RunCell) -> None:
    result = run_cell("dbutils.widgets.text('rows', 'own'); dbutils.widgets.text('run', 'alone')")
    assert "widget-view" in result
    assert "3 docs\n" in run_cell("print(dbutils.widgets.get('rows'), dbutils.widgets.get('landing'))")
    assert "base alone\n" in run_cell("print(dbutils.widgets.get('own'), dbutils.widgets.get('run'))")


def test_a_notebook_runs_another_one_and_can_exit(run_cell: RunCell, tiny: Path) -> None:
    (tiny / "other.py").write_text("# Databricks notebook source\nshared = 42\n")
    assert run_cell("%run ./other") + run_cell("print(shared)") == "42\n"
    assert "no such notebook" in run_cell("%run ./nowhere")
    assert "Notebook exited: done" in run_cell("dbutils.notebook.exit('done')")


def test_pip_prints_what_it_changes(run_cell: RunCell) -> None:
    result = run_cell("%pip --version")
    assert "for all notebooks" in result
    assert re.search(r"pip \d+", result)


def test_a_pip_command_that_fails_fails_its_cell(run_cell: RunCell) -> None:
    result = run_cell("%pip nonsense")
    assert "unknown command" in result
    assert "error: %pip nonsense failed" in result


def test_display_takes_at_most_a_thousand_rows_from_spark(run_cell: RunCell) -> None:
    result = run_cell("display(spark.range(5000))")
    assert "widget-view" in result
    assert "text/html" in result


def test_a_kernel_without_spark_names_the_command_that_starts_it(tiny: Path, tmp_path: Path) -> None:
    environment = {"LOCALBUNDLE_HOME": str(tiny / ".localbundle/cold"), OWNER: "a lab"}
    with kernel(tiny, tmp_path, **environment) as (_, run_cell):
        result = run_cell("print('begun')")
    assert result == "error: Spark is not running for target cold; `localbundle up -t cold`, then run this cell again"


@pytest.fixture
def cold(tmp_path: Path) -> Path:
    """A bundle whose Spark is not running."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "databricks.yml").write_text("bundle: {name: b}\ntargets: {dev: {default: true}}\n")
    return tmp_path


@pytest.mark.parametrize("end", ["shutdown", "kill"])
def test_a_kernel_of_vs_code_starts_spark_and_takes_it_with_it(cold: Path, end: str) -> None:
    home = cold / ".localbundle/dev"
    with kernel(cold, cold / "kernels") as (manager, run_cell):
        assert run_cell("print(spark.range(3).count())") == "3\n"
        assert Server(home).state() is not None
        assert "a volume on Databricks cannot append" in run_cell(f"open({str(home / 'Volumes' / 'log')!r}, 'a')")
        if end == "kill":
            manager.provisioner.process.kill()
            assert eventually(lambda: Server(home).state() is None)
    assert eventually(lambda: Server(home).state() is None)


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
    assert eventually(lambda: not processes_with(cold)), processes_with(cold)


def test_the_lab_leaves_a_spark_that_it_found(tiny: Path, warm: None, command: str) -> None:
    state = Server(tiny / ".localbundle/dev").state()
    lab = subprocess.Popen([command, "lab", "--no-browser"], cwd=tiny, stdout=subprocess.PIPE, text=True)
    assert lab.stdout is not None
    assert any("http://" in line for line in lab.stdout)
    lab.send_signal(signal.SIGINT)
    assert lab.wait(60) == 0
    assert Server(tiny / ".localbundle/dev").state() == state
