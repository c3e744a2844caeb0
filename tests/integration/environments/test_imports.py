"""The notebooks of a job can be imported with only the packages of its runtime and of its requirements file."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from environments.lock import ROOT, File, files, read

# The wheel of this repository, and what every runtime has in addition to its list.
ALWAYS_PRESENT = {"ragops", "pyspark", "py4j"}
# Modules that a task imports only while it runs.
LATER = {
    "chat": (
        "ragops.cli.serve",
        "ragops.serving.server.app",
        "ragops.serving.server.assemble",
        "ragops.serving.server.sources",
        "ragops.serving.server.trace_process",
        "chromadb",
        "ragops.corpus.index.stores.chroma",
        "ragops.corpus.embeddings.openvino_encoder",
        "ragops.answers.llms.providers.openai_compatible",
    ),
    "embed": (
        "ragops.assembly",
        "ragops.corpus.embeddings.torch_encoder",
        "ragops.corpus.embeddings.export",
        "ragops.jobs.probe",
    ),
    "refresh": (
        "ragops.corpus.documents.parsers",
        "chromadb",
        "ragops.corpus.index.stores.chroma",
        "ragops.corpus.embeddings.onnx_encoder",
        "ragops.corpus.embeddings.onnx_export",
    ),
    "release": (
        "ragops.assembly",
        "chromadb",
        "ragops.corpus.index.stores.chroma",
        "ragops.answers.llms.providers.openai_compatible",
        "scipy.special",  # not scipy.stats, which looks into a hidden torch
    ),
    "smoke": ("chromadb", "ragops.corpus.index.stores.chroma", "ragops.corpus.embeddings.openvino_encoder"),
}

# None in sys.modules: neither imported nor found.
SCRIPT = """
import importlib, sys
absent, modules = (argument.split(",") for argument in sys.argv[1:])
sys.modules.update(dict.fromkeys(absent))
for module in modules:
    importlib.import_module(module)
"""


def with_needs(names: set[str]) -> set[str]:
    """Packages with everything they require as installed here; newer versions than a runtime's may require more."""
    found, waiting = set(names), list(names - {"ragops"})
    while waiting:
        try:
            lines = map(Requirement, requires(waiting.pop()) or ())
        except PackageNotFoundError:
            continue
        applying = [one for one in lines if one.marker is None or one.marker.evaluate({"extra": ""})]
        more = {canonicalize_name(one.name) for one in applying}
        waiting += more - found
        found |= more
    return found


@cache
def installed() -> dict[str, set[str]]:
    """The installed modules, with the distributions that contain them."""
    found = packages_distributions().items()
    return {module: {canonicalize_name(name) for name in names} for module, names in found}


def notebooks(file: File) -> Iterator[Path]:
    """The notebooks whose tasks install the file."""
    for path in (ROOT / "resources").glob("*.job*.yml"):
        jobs = yaml.safe_load(path.read_text())["resources"]["jobs"].values()
        for task in (task for job in jobs for task in job["tasks"]):
            if "notebook_task" in task and file.name in (path.stem.split(".")[0], task["task_key"]):
                on_gpus = "job_cluster_key" in task
                if on_gpus == (not file.runtime.name.startswith("serverless")):
                    yield (path.parent / task["notebook_task"]["notebook_path"]).resolve()


def imports(notebook: Path) -> Iterator[str]:
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            for node in ast.walk(ast.parse("".join(cell["source"]))):
                if isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module
                elif isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("file", [one for one in files() if one.name != "vllm"], ids=lambda file: file.name)
def test_a_requirements_file_is_enough_for_its_notebooks(file: File) -> None:
    modules = {name for notebook in notebooks(file) for name in imports(notebook)} | set(LATER.get(file.name, ()))
    assert modules
    there = with_needs({*file.runtime.packages, *read(file), *ALWAYS_PRESENT})
    absent = {module for module, names in installed().items() if not names & there}
    assert "hypothesis" in absent  # something is hidden
    command = [sys.executable, "-c", SCRIPT, ",".join(sorted(absent)), ",".join(sorted(modules))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]
