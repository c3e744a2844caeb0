"""A small bundle with a job for each case, on a warm workspace of its own."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).parent / "localbundle")
Run = Callable[..., subprocess.CompletedProcess[str]]

BUNDLE = """
bundle: {name: tiny}
include: [jobs.yml]
variables: {catalog: {default: main}}
targets:
  dev: {default: true, mode: development, presets: {jobs_max_concurrent_runs: 1}}
  cold: {mode: development, resources: {jobs: {sleeper: {max_concurrent_runs: 2}}}}
"""
LAPTOP = """
variables: {catalog: spark_catalog}
checks: {flow: "tiny_checks:check"}
"""
CHECKS = """
class UserError(Exception): pass
class MissingFolder(UserError): pass
def check(parameters):
    print("chatter")
    if parameters["landing"] == "gone":
        raise MissingFolder("landing folder gone does not exist; create it")
    return {**parameters, "landing": parameters["landing"].upper()}
"""
JOBS = """
resources:
  schemas: {rag: {catalog_name: "${var.catalog}", name: rag}}
  volumes: {land: {catalog_name: "${var.catalog}", schema_name: "${resources.schemas.rag.name}", name: landing}}
  jobs:
    flow:
      name: flow
      parameters:
        - {name: schema, default: "${resources.schemas.rag.name}"}
        - {name: landing, default: docs}
        - {name: rows, default: 3}
      job_clusters: [{job_cluster_key: gpus, new_cluster: {spark_version: 17.x-gpu-ml-scala2.13}}]
      tasks:
        - {task_key: ingest, notebook_task: {notebook_path: ingest.ipynb, base_parameters: {schema: base, own: base}}}
        - task_key: has_work
          depends_on: [{task_key: ingest}]
          condition_task: {op: GREATER_THAN, left: "{{tasks.ingest.values.rows}}", right: "0"}
        - task_key: embed
          depends_on: [{task_key: has_work, outcome: true}]
          job_cluster_key: gpus
          notebook_task: {notebook_path: embed.py, base_parameters: {run: "{{job.run_id}}"}}
        - task_key: nothing
          depends_on: [{task_key: has_work, outcome: false}]
          notebook_task: {notebook_path: embed.py}
    broken:
      tasks:
        - {task_key: defect, notebook_task: {notebook_path: defect.py}}
        - {task_key: mistake, notebook_task: {notebook_path: mistake.py}}
        - {task_key: query, notebook_task: {notebook_path: query.py}}
        - {task_key: after, depends_on: [{task_key: defect}], notebook_task: {notebook_path: exit.py}}
        - task_key: tidy
          depends_on: [{task_key: defect}]
          run_if: AT_LEAST_ONE_FAILED
          notebook_task: {notebook_path: exit.py}
        - {task_key: idle, disabled: true, notebook_task: {notebook_path: exit.py}}
    again:
      tasks:
        - {task_key: flaky, max_retries: 2, notebook_task: {notebook_path: flaky.py}}
        - {task_key: slow, timeout_seconds: 2, max_retries: 1, notebook_task: {notebook_path: sleep.py}}
        - {task_key: killed, notebook_task: {notebook_path: killed.py}}
    sleeper:
      max_concurrent_runs: 1
      queue: {enabled: false}
      tasks: [{task_key: sleep, notebook_task: {notebook_path: sleep.py}}]
"""
NOTEBOOKS = {
    "embed.py": """
        # MAGIC %md
        # MAGIC # Embed

        # COMMAND ----------

        import os
        rows = dbutils.jobs.taskValues.get("ingest", "rows")
        print(os.environ["LOCALBUNDLE_TARGET"], os.environ["MLFLOW_TRACKING_URI"].startswith("sqlite:///"))

        # COMMAND ----------

        # MAGIC %sql
        # MAGIC SELECT 'from sql' AS word

        # COMMAND ----------

        try:
            dbutils.notebook.exit(f"run {dbutils.widgets.get('run')} embedded {rows}")
        except Exception:
            print("swallowed")

        # COMMAND ----------

        raise RuntimeError("never reached")
        """,
    "defect.py": """
        print("before")

        # COMMAND ----------

        def deep():
            return {}["key"]
        deep()
        """,
    "mistake.py": """
        class UserError(Exception): pass
        class Wrong(UserError): pass
        raise Wrong("use_case.yml: chunk size is -1; give a number above 0")
        """,
    "query.py": """
        spark.sql("SELECT nope FROM nowhere").show()
        """,
    "exit.py": """
        dbutils.notebook.exit("tidied")
        """,
    "flaky.py": """
        from pathlib import Path
        mark = Path("tried")
        tried = mark.exists()
        mark.touch()
        assert tried, "first try"
        """,
    "sleep.py": """
        import subprocess, time
        child = subprocess.Popen(["sleep", "600"])
        print("asleep", flush=True)
        time.sleep(600)
        """,
    "killed.py": """
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
        """,
}
INGEST = [
    "for name in ('schema', 'extra'):\n    dbutils.widgets.text(name, 'widget')\nvalues = dbutils.widgets.getAll()",
    "from pyspark.sql import functions as F\n"
    "rows = int(values['rows'])\n"
    "frame = spark.range(rows).withColumn('text', F.lit('t'))\n"
    "frame.write.format('delta').mode('append').saveAsTable(f\"spark_catalog.{values['schema']}.t\")\n"
    "display(frame)",
    "from pathlib import Path\nimport os\n"
    "assert (Path(os.environ['LOCALBUNDLE_HOME']) / 'Volumes/spark_catalog' / values['schema'] / 'landing').is_dir()\n"
    "dbutils.jobs.taskValues.set('rows', rows)\n"
    "dbutils.jobs.taskValues.set('widgets', values)\nprint('ingested', rows)",
]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle's root."""
    root = tmp_path_factory.mktemp("tiny")
    (root / "environments").mkdir()
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": c} for c in INGEST]
    texts = {
        "databricks.yml": BUNDLE,
        "jobs.yml": JOBS,
        "environments/laptop.yml": LAPTOP,
        "tiny_checks.py": CHECKS,
        "ingest.ipynb": json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}),
        **{name: f"# Databricks notebook source\n{textwrap.dedent(text)}" for name, text in NOTEBOOKS.items()},
    }
    for name, text in texts.items():
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="session")
def command() -> str:
    """The path of the command."""
    return COMMAND


@pytest.fixture(scope="session")
def localbundle(tiny: Path) -> Run:
    """Calls the command in the bundle's folder."""

    def call(*arguments: str, cwd: Path = tiny) -> subprocess.CompletedProcess[str]:
        return subprocess.run([COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=500)

    return call


@pytest.fixture(scope="session")
def warm(localbundle: Run) -> Iterator[None]:
    """The bundle's workspace, kept up for the tests that use it."""
    assert localbundle("up").returncode == 0
    yield
    localbundle("down")
