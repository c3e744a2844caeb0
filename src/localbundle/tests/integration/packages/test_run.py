"""A bundle whose environment pins packages that this Python does not have, or has in another version."""

import importlib.metadata
import os
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from localbundle_support.wheels import write_wheel

Run = Callable[..., subprocess.CompletedProcess[str]]
BUNDLE = """
bundle: {name: pinned}
targets: {dev: {default: true, mode: development}}
artifacts: {tool: {type: whl, path: tool, build: "rm -rf dist && mkdir dist && cp built/*.whl dist"}}
resources:
  jobs:
    pinned:
      environments:
        - environment_key: default
          spec:
            environment_version: "4"
            dependencies: [--no-index, --find-links index, -r requirements.txt, "./tool/dist/*.whl"]
        - {environment_key: plain, spec: {environment_version: "4", dependencies: ["rich>=13"]}}
      tasks:
        - {task_key: notebook, environment_key: default, notebook_task: {notebook_path: pinned.py}}
        - task_key: wheel
          environment_key: default
          depends_on: [{task_key: notebook}]
          python_wheel_task: {package_name: tool, entry_point: run, parameters: ["{{tasks.notebook.values.rich}}"]}
        - task_key: loop
          depends_on: [{task_key: notebook}]
          for_each_task:
            inputs: "[1, 2]"
            task: {task_key: each, environment_key: default, notebook_task: {notebook_path: pinned.py}}
        - {task_key: plain, environment_key: plain, notebook_task: {notebook_path: plain.py}}
"""
PINNED = """
    # Databricks notebook source
    import rich, tiny
    from pyspark.sql.functions import udf
    dbutils.jobs.taskValues.set("rich", rich.version)

    # COMMAND ----------
    @udf("string")
    def in_spark(number):
        import rich, small
        return f"{rich.version} {small.version}"
    seen = spark.range(1).select(in_spark("id")).collect()[0][0]

    # COMMAND ----------
    dbutils.notebook.exit(f"{tiny.version}, in Spark {seen}")
"""
PLAIN = """
    # Databricks notebook source
    import importlib.metadata, importlib.util
    version = importlib.metadata.version("rich")
    dbutils.notebook.exit(f"{version} {importlib.util.find_spec('tiny')}")
"""
TOOL = """
import sys
import tiny
def run():
    print("tool", sys.argv[1], tiny.version)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The bundle's folder."""
    root = tmp_path / "bundle"
    write_wheel(root / "index", "tiny", "1.5", requires=["small", "pandas", "pyspark>=3"])
    write_wheel(root / "index", "small", "2.5")
    write_wheel(root / "index", "rich", "99.0")
    files = {"tool/__init__.py": TOOL}
    write_wheel(root / "tool/built", "tool", "0.1", files=files, requires=["tiny"], scripts={"run": "tool:run"})
    texts = {
        "databricks.yml": BUNDLE, "requirements.txt": "tiny==1.5\nrich==99.0\n", "pinned.py": PINNED, "plain.py": PLAIN
    }  # fmt: skip
    for name, text in texts.items():
        (root / name).write_text(textwrap.dedent(text).lstrip())
    return root


@pytest.fixture
def localbundle(root: Path, cache: Path, command: str) -> Run:
    """Calls the command on a terminal of 80 columns; the fixture `cache` has set where environments are."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COLUMNS": "80"}
        return subprocess.run([command, *arguments], cwd=root, env=environment, capture_output=True, text=True)

    return call


def test_tasks_run_with_the_packages_that_their_environment_pins(localbundle: Run, root: Path, cache: Path) -> None:
    lacking = localbundle("run", "pinned", "--no-install")
    assert (lacking.returncode, lacking.stdout) == (2, "")
    assert lacking.stderr.startswith(
        "error: job pinned: environment default lacks tiny==1.5, rich==99.0, ./tool/dist/*"
    )
    assert not (root / ".localbundle/dev/runs").exists()
    assert not cache.exists()

    first = localbundle("run", "pinned")
    assert first.returncode == 0, first.stdout + first.stderr
    names = "rich 99.0, small 2.5, tiny 1.5 and 1 more"
    installing = f"Installing 4 packages for environment default (first time):\n  {names}\n"
    assert first.stdout.startswith(installing)
    assert "  1.5, in Spark 99.0 2.5\n" in first.stdout
    assert "tool 99.0 1.5" in first.stdout
    assert f"  {importlib.metadata.version('rich')} None\n" in first.stdout

    (root / "index").rename(root / "away")  # nothing can be installed from now on
    (root / "index").mkdir()
    again = localbundle("run", "pinned", "--only", "notebook", "--no-install")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Installing" not in again.stdout
    assert len(list(cache.glob("*/complete.json"))) == 1


def test_what_cannot_be_installed_is_one_line_and_starts_nothing(localbundle: Run, root: Path) -> None:
    (root / "requirements.txt").write_text("tiny==9\n")
    done = localbundle("run", "pinned")
    assert (done.returncode, done.stdout) == (2, "")
    reason = "Because there is no version of tiny==9 and you require tiny==9"
    assert done.stderr == f"error: environment default cannot be installed: {reason}; correct its dependencies\n"
    assert not (root / ".localbundle/dev/runs").exists()
    detailed = localbundle("run", "pinned", "--debug")
    assert "No solution found" in detailed.stderr
    assert detailed.stderr.splitlines()[-1] == done.stderr.strip()


def test_a_build_that_fails_starts_nothing_and_its_output_is_shown_with_debug(localbundle: Run, root: Path) -> None:
    bundle = (root / "databricks.yml").read_text()
    (root / "databricks.yml").write_text(bundle.replace("rm -rf dist &&", "echo first; echo no compiler >&2; false &&"))
    done = localbundle("run", "pinned")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: databricks.yml:3: artifact tool: `echo first; " in done.stderr
    assert "failed (no compiler); correct its build command" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "first\nno compiler" in localbundle("run", "pinned", "--debug").stderr
    assert not (root / ".localbundle/dev/runs").exists()


def test_two_runs_at_once_build_one_environment(root: Path, cache: Path, command: str) -> None:
    (root / "pinned.py").write_text("# Databricks notebook source\nimport tiny\n")
    run = [command, "run", "pinned", "--only", "notebook"]
    bundle = (root / "databricks.yml").read_text()
    (root / "databricks.yml").write_text(bundle.replace("    pinned:\n", "    pinned:\n      max_concurrent_runs: 2\n"))
    runs = [
        subprocess.Popen(run, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)
    ]
    outputs = [process.communicate()[0] for process in runs]
    assert [process.returncode for process in runs] == [0, 0], outputs
    assert sum("Installing" in output for output in outputs) == 1
    assert len(list(cache.glob("*/complete.json"))) == 1
