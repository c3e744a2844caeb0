"""A bundle as one target sees it: files merged, target laid over, variables set, references and presets resolved."""

import getpass
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localbundle.definitions.bundle_references import Resolver
from localbundle.definitions.laptop import LAPTOP_FILE, read_laptop
from localbundle.definitions.presets import apply_presets
from localbundle.definitions.schema import OF_A_BUNDLE, check_shape
from localbundle.definitions.yamlfile import place, read_yaml
from localbundle.errors import BundleError, Refuse, closest, stop

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
    """A resolved bundle. `config` is what `databricks bundle validate -o json` prints, with the laptop's values.

    `raw` is the same before references and presets, and has all the targets besides. With `strict_volumes` its volumes
    refuse here what they refuse on Databricks.
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
    """The nearest folder at or above `start` that holds a bundle.

    Raises:
        BundleError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / ROOT_FILE).is_file():
            return folder
    raise BundleError(f"no {ROOT_FILE} in {start} or above it; change into a bundle's folder")


def load_bundle(
    root: Path, target: str | None = None, overrides: Mapping[str, str] | None = None, refuse: Refuse = stop
) -> Bundle:
    """Reads the bundle in `root` for a target (the default one if None), with --var `overrides`.

    `refuse` gets the errors of references and variables that name nothing; these stay as written if it returns.

    Raises:
        BundleError: a file, the target, a variable or a reference is wrong; the message names file and line.
    """
    files = _read_files(root)
    targets = files.pop("targets", None) or {"default": {}}
    target = _choose_target(targets, target)
    chosen = targets[target] or {}
    laptop = read_laptop(root)
    config = merge(files, {key: value for key, value in chosen.items() if key not in _TARGET_ONLY})
    layers = [chosen.get("variables") or {}, laptop.variables]
    for error in _undeclared(config.get("variables") or {}, layers, root):
        refuse(error)
    config["variables"] = _variables(config.get("variables") or {}, layers, overrides or {})
    name = (config.get("bundle") or {}).get("name")
    if not name:
        raise BundleError(f"{ROOT_FILE}: the bundle has no name; add `bundle: {{name: ...}}`")
    config["bundle"] = {**config["bundle"], "target": target, "environment": target, "mode": config.get("mode")}
    config["workspace"] = _workspace(config.get("workspace") or {}, root)
    config["resources"] = config.get("resources") or {}
    raw = {**config, "targets": targets}
    config = Resolver(config, root, ("resources",), refuse).resolve(config)
    config = apply_presets(config)
    config = Resolver(config, root, refuse=refuse).resolve(config)
    check_shape(config, OF_A_BUNDLE, root)  # once more: references may stand for anything
    return Bundle(root, str(name), target, config, laptop.checks, raw, laptop.strict_volumes)


def write_resolved(bundle: Bundle) -> Path:
    """Writes the resolved bundle to `.localbundle/TARGET/bundle.json`, where tasks and tools read names from."""
    bundle.home.mkdir(parents=True, exist_ok=True)
    file = bundle.home / "bundle.json"
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(bundle.config, indent=2, default=str), "utf-8")
    draft.replace(file)
    return file


def merge(base: Any, over: Any, key: str = "") -> Any:  # noqa: ANN401 - YAML is any shape
    """`over` laid over `base`: mappings deeply, tasks and their like by key, other lists appended."""
    if isinstance(base, dict) and isinstance(over, dict):
        both = {name: merge(base[name], over[name], name) if name in base else over[name] for name in over}
        return {**base, **both}
    if isinstance(base, list) and isinstance(over, list):
        return _merge_keyed(base, over, _LIST_KEYS[key]) if key in _LIST_KEYS else [*base, *over]
    return over


def _merge_keyed(base: list[Any], over: list[Any], key: str) -> list[Any]:
    merged: dict[Any, Any] = {}
    for item in [*base, *over]:
        name = item.get(key) if isinstance(item, dict) else str(item)
        merged[name] = merge(merged[name], item) if name in merged else item
    return list(merged.values())


def _read_files(root: Path) -> dict[str, Any]:
    config = read_yaml(root / ROOT_FILE)
    included: dict[Path, None] = {}
    check_shape(config, OF_A_BUNDLE, root)
    include = config.pop("include", None) or []
    for pattern in include:
        files = sorted(root.glob(str(pattern)))
        if not files and not re.search(r"[*?\[]", pattern):
            raise BundleError(f"{ROOT_FILE}: include {pattern} names no file; create it or remove the line")
        included.update(dict.fromkeys(files))
    included.pop(root / LAPTOP_FILE, None)  # a glob over environments/ must not take the laptop's values for a target's
    for file in included:
        part = read_yaml(file)
        check_shape(part, OF_A_BUNDLE, root)
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


def _undeclared(declared: Mapping[str, Any], layers: list[Mapping[str, Any]], root: Path) -> Iterator[BundleError]:
    for name in (name for layer in layers for name in layer if name not in declared):
        yield BundleError(f"{place(name, root)}variable {name} is not declared; {closest(name, declared)}")


def _variables(
    declared: Mapping[str, Any], layers: list[Mapping[str, Any]], overrides: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Values by precedence: --var, BUNDLE_VAR_name, the laptop's, the target's, the default."""
    for name in overrides:
        if name not in declared:
            raise BundleError(f"variable {name} is not declared; {closest(name, declared)}")
    variables = {}
    for name, definition in declared.items():
        definition = dict(definition or {})
        value = definition.get("default")
        for layer in layers:
            if name in layer:
                value = _layer_value(layer[name], definition)
        value = os.environ.get(f"BUNDLE_VAR_{name}", value)
        variables[name] = {**definition, "value": overrides.get(name, value)}
    return variables


def _layer_value(value: Any, definition: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """A target gives a value, or for a plain variable also a mapping with `default`."""
    if isinstance(value, dict) and definition.get("type") != "complex" and "default" in value:
        return value["default"]
    return value


def _workspace(workspace: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The workspace's paths and user. On a laptop the deployed files are the bundle's own folder."""
    user = getpass.getuser()
    short = re.sub(r"\W", "_", user.split("@")[0])
    root_path = str(workspace.get("root_path", "~/.bundle/${bundle.name}/${bundle.target}"))
    return {
        "host": "",
        "artifact_path": "${workspace.root_path}/artifacts",
        "resource_path": "${workspace.root_path}/resources",
        "state_path": "${workspace.root_path}/state",
        **workspace,
        "root_path": re.sub(r"^~", "/Workspace/Users/${workspace.current_user.userName}", root_path),
        "file_path": str(root),
        "current_user": {"userName": user, "short_name": short, "domain_friendly_name": short},
    }
