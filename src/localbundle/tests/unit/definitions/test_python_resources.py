import sys
from pathlib import Path

import pytest
from localbundle.definitions.bundle import load_bundle
from localbundle.definitions.read_job import find_job

pytest.importorskip("databricks.bundles")
ROOT = """
    bundle: {name: tiny}
    python: {resources: ["code:load_resources"], mutators: ["code:describe"]}
    variables: {size: {default: 3}}
    targets: {dev: {mode: development}}
    resources: {jobs: {written: {name: written, tasks: [{task_key: t, notebook_task: {notebook_path: ./n.py}}]}}}
"""
CODE = """
    from dataclasses import replace
    from databricks.bundles.core import Resources, job_mutator
    from databricks.bundles.jobs import Job

    def load_resources(bundle):
        resources = Resources()
        work = {"notebook_path": "n.py", "base_parameters": {"size": "${var.size}"}}
        resources.add_job("made", Job.from_dict({"name": "made", "tasks": [{"task_key": "t", "notebook_task": work}]}))
        return resources

    @job_mutator
    def describe(bundle, job):
        return replace(job, description="by Python")
"""


@pytest.fixture
def own_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(Path(sys.prefix)))


def test_python_adds_jobs_and_changes_those_of_the_files(write, own_python) -> None:
    root = write(root=ROOT, **{"code.py": CODE, "n.py": "# Databricks notebook source\n"})
    bundle = load_bundle(root)
    assert bundle.problems == ()
    assert {key: (job["name"].split()[-1], job["description"]) for key, job in bundle.jobs.items()} == {
        "written": ("written", "by Python"),
        "made": ("made", "by Python"),
    }
    assert bundle.jobs["made"]["name"].startswith("[dev ")
    assert bundle.jobs["made"]["max_concurrent_runs"] == 4
    assert find_job(bundle, "made").task("t").notebook_task.base_parameters == {"size": "3"}
    assert find_job(bundle, "written").task("t").notebook_task.notebook_path == str(root / "n.py")


def test_code_that_fails_is_a_problem_of_one_line(write, own_python) -> None:
    bundle = load_bundle(write(root=ROOT, **{"code.py": "def load_resources(bundle): raise ValueError('no')"}))
    (problem,) = bundle.problems
    assert problem.rule == "python-resources"
    assert "correct the Python code" in str(problem) and "\n" not in str(problem)
    assert "written" in bundle.jobs
