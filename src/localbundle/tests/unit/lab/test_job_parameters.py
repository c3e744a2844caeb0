from pathlib import Path

import pytest
from localbundle.definitions.bundle import load_bundle
from localbundle.lab.job_parameters import job_values, notebook_of

ROOT = """
bundle: {name: b}
include: [resources/*.yml]
targets: {dev: {default: true, mode: development}}
"""
JOB = """
resources:
  schemas: {rag: {catalog_name: c, name: rag}}
  jobs:
    broken: {tasks: [{task_key: q, sql_task: {}}]}
    work:
      parameters: [{name: schema, default: "${resources.schemas.rag.name}"}, {name: both, default: job}]
      tasks:
        - task_key: each
          for_each_task:
            inputs: "[1]"
            task:
              task_key: one
              notebook_task:
                notebook_path: ../notebooks/n.py
                base_parameters: {both: task, run: "{{job.run_id}}", item: "{{input}}", flag: true}
"""


@pytest.fixture
def root(write) -> Path:
    return write(root=ROOT, job=JOB, notebook="# Databricks notebook source\n")


def test_values_are_those_of_the_task_that_runs_the_notebook(root: Path) -> None:
    source, values = job_values(load_bundle(root), root / "notebooks/n.py")
    assert source == "task each of job work"
    assert values.pop("schema").startswith("dev_")
    assert values == {"both": "job", "flag": "true"}


def test_a_notebook_of_no_job_has_none(root: Path) -> None:
    assert job_values(load_bundle(root), root / "notebooks/other.py") is None


def test_the_notebook_is_reported_by_jupyter_or_vs_code(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert notebook_of({}) is None
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "x/../jupyter.ipynb"))
    assert notebook_of({}) == tmp_path / "jupyter.ipynb"
    assert notebook_of({"__vsc_ipynb_file__": str(tmp_path / "code.ipynb")}) == tmp_path / "code.ipynb"
