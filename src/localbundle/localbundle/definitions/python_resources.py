"""Resources that Python code defines or changes, with the package databricks-bundles, as the Databricks CLI runs it."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.merge_lists import merge_lists
from localbundle.definitions.yamlfile import Text, absolute_path, error_at
from localbundle.errors import BundleError, Report

PYTHON_RESOURCES = "python-resources"
_PHASES = {"resources": "load_resources", "mutators": "apply_mutators"}
# Fields with paths, which are relative to the file they are written in; Python code sees them relative to the bundle.
_PATH_FIELDS = (
    "notebook_path", "python_file", "project_directory", "path", "whl", "jar", "requirements", "source_code_path",
    "file_path", "workspace_path",
)  # fmt: skip
Finish = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, Any]]


class Python:
    """The bundle's section `python` (or `experimental.python`)."""

    def __init__(self, config: Mapping[str, Any], root: Path, report: Report) -> None:
        self._config, self._root, self._report = dict(config), root, report
        experimental = config.get("experimental") or {}
        self._python: Mapping[str, Any] = config.get("python") or experimental.get("python") or {}

    def applied(self, finish: Finish) -> dict[str, Any]:
        """The config with resources added and changed by Python code. `finish` applies the target to added ones."""
        phases = [phase for name, phase in _PHASES.items() if self._python.get(name)]
        try:
            for phase in phases:
                self._config = self._after(phase, finish)
        except BundleError as error:
            self._report(error)
        return self._config

    def _after(self, phase: str, finish: Finish) -> dict[str, Any]:
        before = {kind: _rooted(entries, self._root) for kind, entries in self._config["resources"].items()}
        after = self._run(phase, {**self._config, "resources": before})
        added: dict[str, dict[str, Any]] = {}
        changed: dict[str, dict[str, Any]] = {}
        for kind, entries in after.items():
            for key, resource in (entries or {}).items():
                known = before.get(kind) or {}
                if key not in known:
                    added.setdefault(kind, {})[key] = resource
                elif json.dumps(known[key], sort_keys=True) != json.dumps(resource, sort_keys=True):
                    changed.setdefault(kind, {})[key] = resource
        resources = {kind: dict(entries or {}) for kind, entries in self._config["resources"].items()}
        for kind, entries in finish(self._config, added).items():
            resources.setdefault(kind, {}).update(entries)
        for kind, entries in merge_lists(changed, self._root).items():
            resources[kind].update(entries)
        return {**self._config, "resources": resources}

    def _run(self, phase: str, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The resources after a phase.

        Raises:
            BundleError: the package is not installed, or the code failed.
        """
        with tempfile.TemporaryDirectory() as folder:
            files = {name: Path(folder) / f"{name}.json" for name in ("input", "output", "diagnostics", "locations")}
            files["input"].write_text(json.dumps(config), "utf-8")
            options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
            words = [str(self._interpreter()), "-m", "databricks.bundles.build", "--phase", phase, *options]
            done = subprocess.run(words, cwd=self._root, capture_output=True, text=True)
            self._raise_errors(files["diagnostics"])
            if done.returncode:
                raise self._failure(done.stderr)
            output: dict[str, Any] = json.loads(files["output"].read_text("utf-8"))
        resources: Mapping[str, Any] = output.get("resources") or {}
        return resources

    def _interpreter(self) -> Path:
        venv = self._python.get("venv_path")
        if not venv:
            active = os.environ.get("VIRTUAL_ENV")
            return Path(active) / "bin" / "python3" if active else Path(sys.executable)
        python = absolute_path(venv, self._root) / "bin" / "python3"
        if not python.is_file():
            fix = "create it, with databricks-bundles in it"
            raise self._error(venv, f"python.venv_path {venv} is not a virtual environment; {fix}")
        return python

    def _raise_errors(self, file: Path) -> None:
        """The code's own errors, one JSON object in each line."""
        lines = file.read_text("utf-8").splitlines() if file.is_file() else []
        for entry in (json.loads(line) for line in lines if line.strip()):
            if entry.get("severity") == "error":
                at = entry.get("location") or {}
                where = Text("", self._root / at["file"], at.get("line", 0)) if at.get("file") else None
                detail = str(entry.get("detail") or "").strip().splitlines()
                summary = ": ".join([str(entry.get("summary")), *detail[-1:]])
                raise self._error(where, f"{summary}; correct the Python code")

    def _failure(self, stderr: str) -> BundleError:
        reason = (stderr.strip().splitlines() or ["no output"])[-1]
        if "databricks.bundles" in reason or "No module named 'databricks'" in reason:
            reason = "databricks-bundles is not installed there"
            fix = "install it, or set python.venv_path to an environment that has it"
        else:
            fix = "correct the Python code"
        return self._error(None, f"Python-defined resources cannot be loaded ({reason}); {fix}")

    def _error(self, at: object, message: str) -> BundleError:
        key = next((key for key in self._config if key in ("python", "experimental")), None)
        return error_at(at or key, self._root, message, rule=PYTHON_RESOURCES)


def _rooted(value: Any, root: Path, key: str = "") -> Any:  # noqa: ANN401 - YAML is any shape
    """The value with paths that are relative to the bundle's root."""
    if isinstance(value, dict):
        return {name: _rooted(item, root, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_rooted(item, root, key) for item in value]
    is_path = key in _PATH_FIELDS or (key == "dependencies" and str(value).startswith("."))
    if is_path and isinstance(value, Text) and not re.match(r"/|\w+:|\$\{", value):
        return os.path.relpath(absolute_path(value, root), root)
    return value
