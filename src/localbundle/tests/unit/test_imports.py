"""What commands import: each second of it is waited for at the prompt."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HEAVY = {"ipykernel", "jupyter_client", "jupyterlab", "matplotlib", "nbclient", "nbconvert", "nbformat", "numpy"}
HEAVY |= {"asyncio", "cjdk", "jinja2", "jsonschema", "pandas", "pyspark", "sqlglot", "ssl", "zmq"}
BUNDLE = """
bundle: {name: tiny}
variables: {rows: {default: 3}}
resources: {jobs: {x: {
  environments: [{environment_key: e, spec: {environment_version: "4", dependencies: [requests]}}],
  tasks: [
    {task_key: a, notebook_task: {notebook_path: n.py, base_parameters: {rows: "${var.rows}"}}},
    {task_key: b, environment_key: e, spark_python_task: {python_file: p.py}}]}}}
"""
COMMANDS = (["--help"], ["run", "--help"], ["up", "--help"], ["validate", "--help"])
CODE = """
import json, sys
from localbundle.cli import app

for words in json.loads(sys.argv[1]):
    try:
        app(words)
    except SystemExit as end:
        assert not end.code, words
    finally:
        print(json.dumps([words, list(sys.modules)]), file=sys.stderr)
"""


def imported(commands: Sequence[list[str]], folder: Path) -> list[tuple[list[str], set[str]]]:
    """One process for all: what an earlier command imports is listed with it, and again with those after it."""
    call = [sys.executable, "-c", CODE, json.dumps(commands)]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=folder)
    found = [json.loads(line) for line in done.stderr.splitlines()]
    assert [words for words, _ in found] == list(commands)
    return [(words, set(modules)) for words, modules in found]


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert [(words, HEAVY & names) for words, names in imported(COMMANDS, tmp_path) if HEAVY & names] == []


def test_reading_a_bundle_imports_nothing_heavy(write) -> None:
    root = write(root=BUNDLE, **{"n.py": "# Databricks notebook source\n", "p.py": "print()"})
    commands = (["validate"], ["validate", "-o", "json"])
    assert [(words, HEAVY & names) for words, names in imported(commands, root) if HEAVY & names] == []
    job = "{tasks: [{task_key: a, sql_task: {warehouse_id: a, file: {path: x.sql}}}]}"
    write(root=f"bundle: {{name: tiny}}\nresources: {{jobs: {{x: {job}}}}}", **{"x.sql": "SELECT 1"})
    ((_, names),) = imported([["validate"]], root)
    assert HEAVY & names <= {"sqlglot"}
