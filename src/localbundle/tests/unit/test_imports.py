"""What commands import: each second of it is waited for at the prompt."""

import json
import subprocess
import sys

HEAVY = {"ipykernel", "jupyter_client", "jupyterlab", "matplotlib", "nbclient", "nbconvert", "nbformat", "numpy"}
HEAVY |= {"jinja2", "jsonschema", "pandas", "pyspark", "zmq"}


COMMANDS = ([], ["run"], ["up"], ["validate"])
CODE = """
import json, sys
from localbundle.cli import app

for words in json.loads(sys.argv[1]):
    try:
        app([*words, "--help"])
    except SystemExit:
        print(json.dumps([words, list(sys.modules)]), file=sys.stderr)
"""


def test_help_imports_nothing_heavy() -> None:
    """One process for all: what an earlier command imports is listed with it, and again with those after it."""
    call = [sys.executable, "-c", CODE, json.dumps(COMMANDS)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    imported = [json.loads(line) for line in done.stderr.splitlines()]
    assert [words for words, _ in imported] == list(COMMANDS)
    assert [(words, HEAVY & set(modules)) for words, modules in imported if HEAVY & set(modules)] == []
