"""What commands import: each second of it is waited for at the prompt."""

import subprocess
import sys

import pytest

HEAVY = {"ipykernel", "jupyter_client", "jupyterlab", "matplotlib", "nbclient", "nbconvert", "nbformat", "numpy"}
HEAVY |= {"jinja2", "jsonschema", "pandas", "pyspark", "zmq"}


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["up", "--help"], ["validate", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = f"from localbundle.cli import app\ntry:\n    app({words})\nexcept SystemExit:\n    pass"
    code += "\nimport sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stderr.split()) == set()
