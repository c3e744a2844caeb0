"""Applies a target to a bundle: values of variables, the workspace, and the name changes of its mode.

environments/laptop.yml adds the values that a laptop uses instead of a workspace's. Rules of `mode: development` and
`presets`: databricks/cli, apply_presets.go.
"""

import getpass
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localbundle.definitions.references import WRONG_REFERENCE
from localbundle.definitions.schema import LAPTOP_SHAPE, check_shape
from localbundle.definitions.yamlfile import error_at, located_like, read_yaml
from localbundle.errors import BundleError, closest

LAPTOP_FILE = Path("environments/laptop.yml")
_TITLE_KINDS = ("jobs", "pipelines", "experiments", "models", "dashboards", "clusters")
_IDENTIFIER_KINDS = ("schemas", "registered_models", "model_serving_endpoints")
PREFIXED_KINDS = (*_TITLE_KINDS, *_IDENTIFIER_KINDS)
_MODES = ("development", "production")
_DEVELOPMENT_CONCURRENCY = 4


@dataclass(frozen=True)
class Laptop:
    """Values of variables, checks of job parameters ("module:function" by job), and whether volumes are strict."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    strict_volumes: bool = True


def read_laptop(root: Path) -> Laptop:
    """Reads environments/laptop.yml of the bundle in `root`, which is optional.

    Raises:
        BundleError: it has an unknown key, or a value of the wrong type.
    """
    if not (root / LAPTOP_FILE).is_file():
        return Laptop()
    written = read_yaml(root / LAPTOP_FILE)
    known = Laptop.__dataclass_fields__
    for key in written:
        if key not in known:
            raise error_at(key, root, f"unknown key {key}; {closest(key, known)}")
    check_shape(written, LAPTOP_SHAPE, root)
    return Laptop(**{key: value for key, value in written.items() if value is not None})


def undeclared_variables(
    declared: Mapping[str, Any], layers: list[Mapping[str, Any]], root: Path
) -> Iterator[BundleError]:
    """An error for each variable that a layer sets and the bundle does not declare."""
    for name in (name for layer in layers for name in layer if name not in declared):
        message = f"variable {name} is not declared; {closest(name, declared)}"
        yield error_at(name, root, message, rule=WRONG_REFERENCE)


def variable_values(
    declared: Mapping[str, Any], layers: list[Mapping[str, Any]], overrides: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Values by precedence: --var, BUNDLE_VAR_name, the last of the layers that has one, the default.

    Raises:
        BundleError: an override names a variable that is not declared.
    """
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


def _layer_value(value: Any, definition: Mapping[str, Any]) -> Any:  # noqa: ANN401 - YAML is any shape
    """A target gives a value, or for a plain variable also a mapping with `default`."""
    if isinstance(value, dict) and definition.get("type") != "complex" and "default" in value:
        return value["default"]
    return value


def local_workspace(workspace: Mapping[str, Any], root: Path) -> dict[str, Any]:
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


def apply_presets(config: dict[str, Any]) -> dict[str, Any]:
    """The config with resource names prefixed and, in development, schedules paused and concurrent runs allowed.

    Raises:
        BundleError: the target's mode is unknown.
    """
    mode = config.get("mode")
    if mode is not None and mode not in _MODES:
        raise BundleError(f"target mode {mode} is unknown; use {' or '.join(_MODES)}")
    presets = config.get("presets") or {}
    user = config["workspace"]["current_user"]["short_name"]
    prefix = presets.get("name_prefix", f"[dev {user}] " if mode == "development" else "")
    resources = {
        kind: {key: _prefixed(kind, resource or {}, prefix) for key, resource in (entries or {}).items()}
        for kind, entries in config["resources"].items()
    }
    if mode == "development":
        limit = presets.get("jobs_max_concurrent_runs", _DEVELOPMENT_CONCURRENCY)
        resources["jobs"] = {key: _in_development(job, limit) for key, job in resources.get("jobs", {}).items()}
    return {**config, "resources": resources}


def _prefixed(kind: str, resource: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    if not prefix or "name" not in resource:
        return dict(resource)
    name = str(resource["name"])
    if kind in _TITLE_KINDS:
        # An experiment's name is a workspace path: its last part is prefixed.
        folder, slash, last = name.rpartition("/")
        return {**resource, "name": located_like(resource["name"], f"{folder}{slash}{prefix}{last}")}
    if kind in _IDENTIFIER_KINDS:
        head = re.sub(r"[^A-Za-z0-9]+", "_", prefix).strip("_")
        return {**resource, "name": located_like(resource["name"], f"{head}_{name}")}
    return dict(resource)


def _in_development(job: dict[str, Any], concurrency: int) -> dict[str, Any]:
    paused: dict[str, Any] = {
        trigger: {"pause_status": "PAUSED", **job[trigger]}  # an explicit UNPAUSED stays, as in the Databricks CLI
        for trigger in ("schedule", "trigger", "continuous")
        if job.get(trigger)
    }
    return {"max_concurrent_runs": concurrency, **job, **paused}
