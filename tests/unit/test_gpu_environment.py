"""The GPU cluster's lock is enough for the embed task: what it does not hold is taken away, and the task imports."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

LOCK = Path(__file__).parents[2] / "environments" / "requirements" / "gpu.txt"
# The wheels of this repository, and what a cluster's runtime brings.
OTHERWISE_THERE = {"ragops", "pyspark", "py4j"}
EMBED_TASK = ("ragops.parameters", "ragops.embeddings.stage", "ragops.embeddings.torch_encoder")
CONVERSION = ("ragops.embeddings.export",)

# None in sys.modules: neither imported nor found.
SCRIPT = """
import importlib, sys
absent, modules = (argument.split(",") for argument in sys.argv[1:])
sys.modules.update(dict.fromkeys(absent))
for module in modules:
    importlib.import_module(module)
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def absent_modules() -> set[str]:
    """Modules that are installed here, of distributions that the lock does not hold."""
    locked = {normal(name) for name in re.findall(r"^([\w.-]+)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)}
    found = packages_distributions().items()
    return {module for module, names in found if not locked & set(map(normal, names))} - OTHERWISE_THERE


def test_the_lock_is_enough_for_the_embed_task() -> None:
    absent = absent_modules()
    assert "pytest" in absent  # something is taken away
    command = [sys.executable, "-c", SCRIPT, ",".join(absent), ",".join(EMBED_TASK + CONVERSION)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]
