"""Rules on wheel tasks. A package is known if an artifact's pyproject.toml has a [project] table; others pass."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.yamlfile import absolute_path
from localbundle.errors import closest
from localbundle.lint.rule import JobContext, Messages, Step, texts

_ANY = "*"


def unknown_package(job: JobContext) -> Messages:
    """A wheel that no artifact builds and nothing else installs."""
    names = {_normal(name): name for project in projects(job.bundle).values() for name in [str(project.get("name"))]}
    for step, name in _wheels(job):
        if not {_normal(name), _ANY} & names.keys() and not _is_installed(job, step, name):
            yield name, f"task {step.key}: no artifact of the bundle builds {name}; {closest(name, names.values())}"


def unknown_entry_point(job: JobContext) -> Messages:
    """An entry point that its wheel does not have: neither in its metadata, nor as a function of the package."""
    for step, name in _wheels(job):
        entry_point = step.work("python_wheel_task").get("entry_point")
        for folder, project in projects(job.bundle).items():
            known = _entry_points(folder, project) if _normal(str(project.get("name"))) == _normal(name) else {_ANY}
            if not {entry_point, _ANY} & known:
                hint = closest(str(entry_point), known)
                yield entry_point, f"task {step.key}: {name} has no entry point {entry_point}; {hint}"


def projects(bundle: Bundle) -> dict[Path, Mapping[str, Any]]:
    """The [project] table by folder of each wheel that the bundle builds; one that matches any name if it has none."""
    artifacts = [spec or {} for spec in (bundle.config.get("artifacts") or {}).values()]
    folders = [
        absolute_path(spec.get("path") or ".", bundle.root) for spec in artifacts if spec.get("type", "whl") == "whl"
    ]
    return {folder: _project(folder) or {"name": _ANY} for folder in folders}


def _project(folder: Path) -> Mapping[str, Any]:
    try:
        return _table((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return {}


@cache
def _table(text: str) -> Mapping[str, Any]:
    """Read once for all jobs and rules: a third of the time of `validate` otherwise."""
    return tomllib.loads(text).get("project") or {}


def _entry_points(folder: Path, project: Mapping[str, Any]) -> set[str]:
    """The possible entry points: any, if they are known only at build or the package is in an unusual folder."""
    module = _normal(str(project["name"])).replace("-", "_")
    files = [folder / source / module / "__init__.py" for source in ("src", ".")]
    found = [file for file in files if file.is_file()]
    if not found or {"scripts", "entry-points"} & set(project.get("dynamic") or []):
        return {_ANY}
    groups = [project.get("scripts") or {}, *(project.get("entry-points") or {}).values()]
    return _functions(found[0]).union(*groups)


def _functions(init: Path) -> set[str]:
    """The names that the top level of a package defines or imports."""
    try:
        body = ast.parse(init.read_text("utf-8")).body
    except (SyntaxError, ValueError):
        return {_ANY}
    imported = {alias.asname or alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}
    return imported | {node.name for node in body if isinstance(node, ast.FunctionDef)}


def _wheels(job: JobContext) -> Iterator[tuple[Step, str]]:
    for step in job.steps:
        name = step.work("python_wheel_task").get("package_name")
        if isinstance(name, str):
            yield step, name


def _is_installed(job: JobContext, step: Step, package: str) -> bool:
    """Whether something else installs the package, or may: the packages of an existing cluster are unknown."""
    written = [*texts(job.raw.get("environments")), *texts(step.raw.get("libraries"))]
    return "existing_cluster_id" in step.raw or any(_installs(use.text, package) for use in written)


def _installs(line: str, package: str) -> bool:
    if ".whl" in line:
        return _normal(Path(line).name.split("-")[0]) == _normal(package)
    # Requirements files, folders and URLs are not read.
    return line.startswith(("-", ".")) or "/" in line or _normal(re.split(r"[^\w.-]", line)[0]) == _normal(package)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
