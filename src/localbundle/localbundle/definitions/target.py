"""A bundle's files with one target applied (databricks/cli, bundle/config/root.go), and the laptop's own values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localbundle.definitions.merge import merge
from localbundle.definitions.references import LAPTOP_FILE
from localbundle.definitions.schema import LAPTOP_SHAPE, check_shape
from localbundle.definitions.yamlfile import error_at, read_yaml
from localbundle.errors import BundleError, closest

# Sections of a target that are merged with the bundle's own.
_MERGED = ("bundle", "workspace", "artifacts", "resources", "sync", "permissions", "presets")
_FULL_OVERRIDES = (
    {"default", "type", "description"}, {"default", "type"}, {"default", "description"}, {"lookup", "description"},
    {"default"}, {"lookup"},
)  # fmt: skip


@dataclass(frozen=True)
class Laptop:
    """What holds on a laptop only.

    Attributes:
        variables: values of variables.
        checks: checks of job parameters, "module:function" by job.
        strict_volumes: whether volumes refuse what they refuse on Databricks.
        ignore: ids of rules whose findings are not wanted.
        catalogs: names of catalogs that code uses and nothing in the bundle declares.
        install: whether tasks get the packages that their environments name; else they use those of this Python.
    """

    variables: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    strict_volumes: bool = True
    ignore: tuple[str, ...] = ()
    catalogs: tuple[str, ...] = ()
    install: bool = True


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


def choose_target(targets: Mapping[str, Any], target: str | None) -> str:
    """The target's name, or the default one's.

    Raises:
        BundleError: there is no such target, or it is unclear which is meant.
    """
    if target is not None:
        if target not in targets:
            raise BundleError(f"target {target} is not defined; {closest(target, targets)}")
        return target
    if len(targets) == 1:
        return next(iter(targets))
    defaults = [name for name, value in targets.items() if (value or {}).get("default")]
    if len(defaults) == 1:
        return defaults[0]
    if defaults:
        raise BundleError(f"targets {', '.join(defaults)} are all marked as default; keep one, or add -t NAME")
    raise BundleError(f"no target is chosen and none is the default; add -t with one of {', '.join(targets)}")


def with_target(files: Mapping[str, Any], target: str, chosen: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The merged files with a target's settings applied.

    Raises:
        BundleError: a setting is of another kind in the target than in the bundle.
    """
    config = dict(files)
    for section in _MERGED:
        if section in chosen:
            config[section] = merge(config.get(section), chosen[section], root, (section,))
    config["variables"] = _with_overrides(config.get("variables") or {}, chosen.get("variables") or {})
    if "run_as" in chosen:
        config["run_as"] = chosen["run_as"]
    bundle = dict(config.get("bundle") or {})
    for setting in ("mode", "cluster_id"):
        if chosen.get(setting) is not None:
            bundle[setting] = chosen[setting]
    if chosen.get("git") is not None:
        bundle["git"] = merge(bundle.get("git"), chosen["git"], root, ("bundle", "git"))
    config["bundle"] = {**bundle, "target": target, "environment": target}
    return config


def full_overrides(part: dict[str, Any]) -> dict[str, Any]:
    """A file's content with the variables of its targets in the long form, `{default: VALUE}`."""
    targets = part.get("targets")
    if not isinstance(targets, dict):
        return part
    return {**part, "targets": {name: _with_full_variables(target) for name, target in targets.items()}}


def _with_full_variables(target: Any) -> Any:  # noqa: ANN401 - YAML is any shape
    if not isinstance(target, dict) or not isinstance(target.get("variables"), dict):
        return target
    full = {name: _full(value) for name, value in target["variables"].items()}
    return {**target, "variables": full}


def _full(value: Any) -> Any:  # noqa: ANN401
    is_full = isinstance(value, dict) and {str(key) for key in value} in _FULL_OVERRIDES
    return value if is_full or value is None else {"default": value}


def _with_overrides(declared: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """An override without a value changes nothing; a default replaces a lookup, and the reverse."""
    variables = {name: dict(definition or {}) for name, definition in declared.items()}
    for name, override in overrides.items():
        for new, old in (("default", "lookup"), ("lookup", "default")):
            if name in variables and isinstance(override, dict) and new in override:
                variables[name].pop(old, None)
                variables[name][new] = override[new]
    return variables
