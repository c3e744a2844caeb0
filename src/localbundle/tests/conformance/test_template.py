"""A bundle like the CLI's `default-python` template runs unchanged: a notebook and a wheel."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
FILES = {
    "databricks.yml": """\
bundle:
  name: my_project
  uuid: 00000000-0000-0000-0000-000000000000
include:
  - resources/*.yml
  - resources/*/*.yml
variables:
  catalog:
    description: The catalog to use
  schema:
    description: The schema to use
artifacts:
  python_artifact:
    type: whl
    build: uv build --wheel
targets:
  dev:
    mode: development
    default: true
    workspace:
      host: https://example.cloud.databricks.com
    variables:
      catalog: spark_catalog
      schema: default
  prod:
    mode: production
    workspace:
      host: https://example.cloud.databricks.com
      root_path: /Workspace/Users/someone@example.com/.bundle/${bundle.name}/${bundle.target}
    variables:
      catalog: spark_catalog
      schema: default
    permissions:
      - user_name: someone@example.com
        level: CAN_MANAGE
""",
    "resources/sample_job.job.yml": """\
resources:
  jobs:
    sample_job:
      name: sample_job
      trigger:
        periodic:
          interval: 1
          unit: DAYS
      parameters:
        - name: catalog
          default: ${var.catalog}
        - name: schema
          default: ${var.schema}
      tasks:
        - task_key: notebook_task
          notebook_task:
            notebook_path: ../src/sample_notebook.ipynb
        - task_key: python_wheel_task
          depends_on:
            - task_key: notebook_task
          python_wheel_task:
            package_name: my_project
            entry_point: main
            parameters:
              - "--catalog"
              - "${var.catalog}"
              - "--schema"
              - "${var.schema}"
          environment_key: default
      environments:
        - environment_key: default
          spec:
            environment_version: "4"
            dependencies:
              - ../dist/*.whl
""",
    "pyproject.toml": """\
[project]
name = "my_project"
version = "0.0.1"
requires-python = ">=3.10,<3.13"
[project.scripts]
main = "my_project.main:main"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel]
packages = ["src/my_project"]
""",
    "src/my_project/__init__.py": "",
    "src/my_project/numbers.py": """\
from databricks.sdk.runtime import spark
from pyspark.sql import DataFrame


def find_all() -> DataFrame:
    return spark.range(5)
""",
    "src/my_project/main.py": """\
import argparse

from databricks.sdk.runtime import spark

from my_project import numbers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--schema", required=True)
    args = parser.parse_args()
    spark.sql(f"USE CATALOG {args.catalog}")
    spark.sql(f"USE SCHEMA {args.schema}")
    print(numbers.find_all().count(), "rows by the wheel")
""",
}
CELLS = [
    'dbutils.widgets.text("catalog", "")\ndbutils.widgets.text("schema", "")\n'
    'catalog, schema = dbutils.widgets.get("catalog"), dbutils.widgets.get("schema")\n'
    'spark.sql(f"USE CATALOG {catalog}")\nspark.sql(f"USE SCHEMA {schema}")',
    'import sys\nsys.path.append("../src")\nfrom my_project import numbers\ndisplay(numbers.find_all())',
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": c} for c in CELLS]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    for name, text in {**FILES, "src/sample_notebook.ipynb": json.dumps(notebook)}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_it_runs_untouched(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The build back end is in the environment of the tests, which use no network.
    monkeypatch.setenv("UV_NO_BUILD_ISOLATION", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("VIRTUAL_ENV", str(BIN.parent))
    done = subprocess.run(
        [BIN / "localbundle", "run", "sample_job"], cwd=project, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 rows by the wheel" in done.stdout
    assert list((project / "dist").glob("my_project-0.0.1-*.whl"))
    pages = {page.name for page in (project / ".localbundle/dev/runs/1").glob("*.html")}
    assert pages == {"index.html", "notebook_task.html", "python_wheel_task.html"}
