"""A bundle as one target sees it: files merged, target applied, variables set, references and presets resolved."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localbundle.definitions.references import Resolver
from localbundle.definitions.schema import BUNDLE_SHAPE, check_shape
from localbundle.definitions.target import (
    LAPTOP_FILE,
    apply_presets,
    local_workspace,
    read_laptop,
    undeclared_variables,
    variable_values,
)
from localbundle.definitions.yamlfile import error_at, read_yaml
from localbundle.errors import BundleError, Report, closest, raise_error

ROOT_FILE = "databricks.yml"
_LIST_KEYS = {
    "tasks": "task_key",
    "job_clusters": "job_cluster_key",
    "parameters": "name",
    "environments": "environment_key",
}
_TARGET_ONLY = ("default", "variables")


@dataclass(frozen=True)
class Bundle:
    """A resolved bundle.

    Attributes:
        root: the folder of databricks.yml.
        name: the bundle's name.
        target: the target it was resolved for.
        config: what `databricks bundle validate -o json` prints, with the laptop's values.
        checks: "module:function" by job, from environments/laptop.yml.
        raw: the config before references and presets, with all targets.
        strict_volumes: whether its volumes refuse here what they refuse on Databricks.
    """

    root: Path
    name: str
    target: str
    config: Mapping[str, Any]
    checks: Mapping[str, str]
    raw: Mapping[str, Any] = field(default_factory=dict)
    strict_volumes: bool = True

    @property
    def jobs(self) -> Mapping[str, Any]:
        """Job definitions by resource key."""
        jobs: Mapping[str, Any] = self.config["resources"].get("jobs", {})
        return jobs

    @property
    def home(self) -> Path:
        """The folder of this target's local workspace."""
        return self.root / ".localbundle" / self.target


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that contains a bundle.

    Raises:
        BundleError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / ROOT_FILE).is_file():
            return folder
    raise BundleError(f"no {ROOT_FILE} in {start} or above it; change to a bundle's folder")


def load_bundle(
    root: Path, target: str | None = None, overrides: Mapping[str, str] | None = None, report: Report = raise_error
) -> Bundle:
    """Reads the bundle in `root` for a target.

    Args:
        root: the folder of databricks.yml.
        target: the target's name; None for the bundle's default one.
        overrides: values of variables (--var).
        report: gets the errors of references and variables that name nothing; these stay as written if it returns.

    Raises:
        BundleError: a file, the target, a variable or a reference is wrong; it names file and line.
    """
    files = _read_files(root)
    targets = files.pop("targets", None) or {"default": {}}
    target = _choose_target(targets, target)
    chosen = targets[target] or {}
    laptop = read_laptop(root)
    config = merge(files, {key: value for key, value in chosen.items() if key not in _TARGET_ONLY})
    declared = config.get("variables") or {}
    layers = [chosen.get("variables") or {}, laptop.variables]
    for error in undeclared_variables(declared, layers, root):
        report(error)
    config["variables"] = variable_values(declared, layers, overrides or {})
    name = (config.get("bundle") or {}).get("name")
    if not name:
        raise BundleError("the bundle has no name; add `bundle: {name: ...}`", ROOT_FILE)
    config["bundle"] = {**config["bundle"], "target": target, "environment": target, "mode": config.get("mode")}
    config["workspace"] = local_workspace(config.get("workspace") or {}, root)
    config["resources"] = config.get("resources") or {}
    raw = {**config, "targets": targets}
    config = Resolver(config, root, ("resources",), report).resolve(config)
    config = apply_presets(config)
    config = Resolver(config, root, report=report).resolve(config)
    check_shape(config, BUNDLE_SHAPE, root)  # once more: a reference may have any value
    return Bundle(root, str(name), target, config, laptop.checks, raw, laptop.strict_volumes)


def write_resolved(bundle: Bundle) -> Path:
    """Writes the resolved bundle to `.localbundle/TARGET/bundle.json`, from which tasks and tools read names."""
    bundle.home.mkdir(parents=True, exist_ok=True)
    file = bundle.home / "bundle.json"
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(bundle.config, indent=2, default=str), "utf-8")
    draft.replace(file)
    return file


def merge(base: Any, over: Any, key: str = "") -> Any:  # noqa: ANN401 - YAML is any shape
    """`base` with `over` applied.

    Mappings merge deeply, tasks and similar lists by key; what an App is bound to is replaced by name, since it has one
    kind only; other lists are appended.
    """
    if isinstance(base, dict) and isinstance(over, dict):
        both = {name: merge(base[name], over[name], name) if name in base else over[name] for name in over}
        return {**base, **both}
    if isinstance(base, list) and isinstance(over, list):
        if key == "resources":
            return list({_name(item, "name"): item for item in [*base, *over]}.values())
        return _merge_keyed(base, over, _LIST_KEYS[key]) if key in _LIST_KEYS else [*base, *over]
    return over


def _merge_keyed(base: list[Any], over: list[Any], key: str) -> list[Any]:
    merged: dict[Any, Any] = {}
    for item in [*base, *over]:
        name = _name(item, key)
        merged[name] = merge(merged[name], item) if name in merged else item
    return list(merged.values())


def _name(item: object, key: str) -> object:
    return item.get(key) if isinstance(item, dict) else str(item)


def _read_files(root: Path) -> dict[str, Any]:
    config = read_yaml(root / ROOT_FILE)
    included: dict[Path, None] = {}
    check_shape(config, BUNDLE_SHAPE, root)
    include = config.pop("include", None) or []
    for pattern in include:
        files = sorted(root.glob(str(pattern)))
        if not files and not re.search(r"[*?\[]", pattern):
            raise error_at(pattern, root, f"include {pattern} matches no file; create it or remove the line")
        included.update(dict.fromkeys(files))
    included.pop(root / LAPTOP_FILE, None)  # a glob over environments/ must not include the laptop's values
    for file in included:
        part = read_yaml(file)
        check_shape(part, BUNDLE_SHAPE, root)
        config = merge(config, part)
    return config


def _choose_target(targets: Mapping[str, Any], target: str | None) -> str:
    if target is not None:
        if target not in targets:
            raise BundleError(f"target {target} is not defined; {closest(target, targets)}")
        return target
    defaults = [name for name, value in targets.items() if (value or {}).get("default")]
    if len(defaults) == 1:
        return defaults[0]
    if len(targets) == 1:
        return next(iter(targets))
    raise BundleError(f"no target is chosen and none is the default; add -t with one of {', '.join(targets)}")
