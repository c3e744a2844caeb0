"""Runs Python files and entry points of wheels inside a task's kernel, with `sys.argv`, `spark` and `dbutils`."""

import contextlib
import importlib
import importlib.metadata
import runpy
import sys
from collections.abc import Callable
from typing import Any

from IPython.core.getipython import get_ipython

from localbundle.errors import BundleError


def run_file(path: str, *arguments: str) -> None:
    """Runs a Python file as a script."""
    shell = get_ipython()
    given = {name: shell.user_ns[name] for name in ("spark", "dbutils", "display")} if shell else {}
    sys.argv = [path, *arguments]
    _run(lambda: runpy.run_path(path, init_globals=given, run_name="__main__"))


def run_entry_point(package: str, name: str, *arguments: str) -> None:
    """Calls an entry point: the one in the package's metadata, else the function `package.name`.

    Raises:
        BundleError: the package or the entry point does not exist.
    """
    sys.argv = [name, *arguments]
    _run(_entry_point(package, name))


def _entry_point(package: str, name: str) -> Callable[[], Any]:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for entry in importlib.metadata.distribution(package).entry_points.select(name=name):
            function: Callable[[], Any] = entry.load()
            return function
    try:
        module = importlib.import_module(package.replace("-", "_"))
    except ModuleNotFoundError:
        raise BundleError(f"package {package} is not installed; add its wheel to the task's environment") from None
    if not callable(found := getattr(module, name, None)):
        raise BundleError(f"package {package} has no entry point {name}; declare it in [project.scripts]")
    return found  # type: ignore[no-any-return]


def _run(program: Callable[[], Any]) -> None:
    """A program may end with `sys.exit`: 0 is a success, anything else a failure."""
    try:
        program()
    except SystemExit as end:
        if end.code not in (None, 0):
            raise RuntimeError(f"ended with exit code {end.code}") from end
