"""Python files and entry points of wheels, as a task's kernel runs them: with `sys.argv`, `spark` and `dbutils`."""

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
    _to_its_end(lambda: runpy.run_path(path, init_globals=given, run_name="__main__"))


def run_entry_point(package: str, name: str, *arguments: str) -> None:
    """Calls an entry point: found in the package's metadata, else the function `package.name`.

    Raises:
        BundleError: there is neither.
    """
    sys.argv = [name, *arguments]
    _to_its_end(_entry_point(package, name))


def _entry_point(package: str, name: str) -> Callable[[], Any]:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for entry in importlib.metadata.distribution(package).entry_points.select(name=name):
            function: Callable[[], Any] = entry.load()
            return function
    try:
        module = importlib.import_module(package.replace("-", "_"))
    except ModuleNotFoundError:
        raise BundleError(f"package {package} is not here; name its wheel in the task's environment") from None
    if not callable(found := getattr(module, name, None)):
        raise BundleError(f"package {package} has no entry point {name}; declare it in [project.scripts]")
    return found  # type: ignore[no-any-return]


def _to_its_end(program: Callable[[], Any]) -> None:
    """A program may end by `sys.exit`: with 0 it has succeeded, else it has failed."""
    try:
        program()
    except SystemExit as end:
        if end.code not in (None, 0):
            raise RuntimeError(f"ended with exit code {end.code}") from end
