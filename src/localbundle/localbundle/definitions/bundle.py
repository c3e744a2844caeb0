"""A bundle as one target sees it: files merged, target applied, variables set, references and presets resolved.

The order of the steps is the Databricks CLI's: databricks/cli, bundle/phases/initialize.go.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localbundle.definitions.catalog_names import with_references
from localbundle.definitions.files import ROOT_FILE, find_root, read_files
from localbundle.definitions.local_values import checkout, local_workspace
from localbundle.definitions.merge_lists import merge_lists
from localbundle.definitions.normalize import Normalizer, check_values, without_empty_text
from localbundle.definitions.permissions import permission_errors, with_permissions
from localbundle.definitions.presets import TargetChanges, mode_errors, pause_errors, target_presets
from localbundle.definitions.python_resources import Python
from localbundle.definitions.references import NAMESPACES, Resolver, references_in
from localbundle.definitions.target import choose_target, read_laptop, with_target
from localbundle.definitions.variables import Variables, undeclared_variables
from localbundle.errors import BundleError

__all__ = ["ROOT_FILE", "Bundle", "find_root", "load_bundle", "write_resolved"]


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
        problems: what is wrong in it, or differs here. It is resolved as far as possible.
        faults: the problems of references that stay as written, by what stands in their braces.
        ignore: ids of rules whose findings are not wanted.
        catalogs: names of catalogs that its code uses and nothing declares, from environments/laptop.yml.
        install: whether tasks get the packages that their environments name; else they use those of this Python.
    """

    root: Path
    name: str
    target: str
    config: Mapping[str, Any]
    checks: Mapping[str, str]
    raw: Mapping[str, Any] = field(default_factory=dict)
    strict_volumes: bool = True
    problems: tuple[BundleError, ...] = ()
    faults: Mapping[str, BundleError] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    catalogs: tuple[str, ...] = ()
    install: bool = True

    @property
    def jobs(self) -> Mapping[str, Any]:
        """Job definitions by resource key."""
        jobs: Mapping[str, Any] = (self.config.get("resources") or {}).get("jobs") or {}
        return jobs

    @property
    def home(self) -> Path:
        """The folder of this target's local workspace."""
        return self.root / ".localbundle" / self.target

    def fault_in(self, value: object) -> BundleError | None:
        """The problem of the first reference in a part of the config that names nothing here."""
        return next((self.faults[path] for path in references_in(value) if path in self.faults), None)


def load_bundle(root: Path, target: str | None = None, overrides: Mapping[str, str] | None = None) -> Bundle:
    """Reads the bundle in `root` for a target.

    Args:
        root: the folder of databricks.yml.
        target: the target's name; None for the bundle's default one.
        overrides: values of variables (--var).

    Raises:
        BundleError: a file, the target or an override is wrong; it names file and line. What concerns parts of the
            bundle only is in `Bundle.problems`.
    """
    problems = _Problems()
    files = read_files(root, problems.add)
    targets = files.pop("targets", None) or {"default": None}
    target = choose_target(targets, target)
    chosen, laptop = targets[target] or {}, read_laptop(root)
    config = with_target(files, target, chosen, root)
    name = config["bundle"].get("name")
    if not name:
        raise BundleError("the bundle has no name; add `bundle: {name: ...}`", ROOT_FILE)
    for error in undeclared_variables(config["variables"], [chosen.get("variables") or {}, laptop.variables], root):
        problems.add(error)
    variables = Variables(root, target, laptop.variables, problems.add)
    config["variables"] = variables.values(config["variables"], overrides or {})
    config["bundle"]["git"] = {**checkout(root), **(config["bundle"].get("git") or {})}
    config["workspace"] = local_workspace(config.get("workspace") or {}, str(name), target, root)
    config["resources"] = config.get("resources") or {}
    raw = {**config, "targets": targets, "declared": files.get("variables") or {}}
    resolved = _Resolution(root, problems).resolved(config)
    has_root_path = bool((chosen.get("workspace") or {}).get("root_path"))
    for error in mode_errors(resolved, has_root_path, root):
        problems.add(error)
    return Bundle(
        root, str(name), target, resolved, laptop.checks, raw, laptop.strict_volumes, problems.found(),
        problems.faults, laptop.ignore, laptop.catalogs, laptop.install,
    )  # fmt: skip


class _Problems:
    """Collects problems once each."""

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], BundleError] = {}
        self.faults: dict[str, BundleError] = {}

    def add(self, error: BundleError) -> None:
        self._found.setdefault((error.file, error.line, error.message), error)

    def found(self) -> tuple[BundleError, ...]:
        return tuple(self._found.values())


class _Resolution:
    """The steps from a bundle with its target applied to what a deployment creates."""

    def __init__(self, root: Path, problems: _Problems) -> None:
        self._root, self._problems = root, problems
        self._normalizer = Normalizer(root, problems.add)

    def resolved(self, config: dict[str, Any]) -> dict[str, Any]:
        config = self._typed(self._with_values(config, config, NAMESPACES))
        for step in (self._check, self._python_resources):
            config = step(config)
        check_values(config["resources"], self._root, self._problems.add)
        config["resources"] = without_empty_text(config["resources"])
        return {**config, **self._with_values(config, {"resources": config["resources"]}, ("resources", "artifacts"))}

    def _check(self, config: dict[str, Any]) -> dict[str, Any]:
        config["presets"] = target_presets(config)
        pause_errors(config["presets"], self._root, self._problems.add)
        for error in permission_errors(config.get("permissions") or [], self._root):
            self._problems.add(error)
        return {**config, "resources": self._created(config, config["resources"])}

    def _created(self, config: dict[str, Any], resources: Mapping[str, Any]) -> dict[str, Any]:
        """Resources as written, as a deployment creates them."""
        merged = with_references(merge_lists(resources, self._root))
        changed = TargetChanges(config).applied(merged)
        user = config["workspace"]["current_user"]["userName"]
        return with_permissions(changed, config.get("permissions") or [], user)

    def _python_resources(self, config: dict[str, Any]) -> dict[str, Any]:
        return Python(config, self._root, self._problems.add).applied(self._finished)

    def _finished(self, config: dict[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
        values = self._with_values(config, dict(added), NAMESPACES)
        typed = self._normalizer.section(values, "resources", ("resources",)) or {}
        return self._created(config, typed)

    def _typed(self, config: dict[str, Any]) -> dict[str, Any]:
        kept = {name: config.pop(name) for name in ("workspace", "bundle")}
        typed = self._normalizer.section(config, "root") or {}
        return {**kept, **typed, "resources": typed.get("resources") or {}}

    def _with_values(self, config: Mapping[str, Any], part: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
        """The part of the config with its references in these namespaces replaced."""
        resolver = Resolver(config, self._root, names, self._problems.add)
        found: dict[str, Any] = resolver.resolve(part)
        self._problems.faults.update(resolver.faults)
        return found


def write_resolved(bundle: Bundle) -> Path:
    """Writes the resolved bundle to `.localbundle/TARGET/bundle.json`, from which tasks and tools read names."""
    bundle.home.mkdir(parents=True, exist_ok=True)
    file = bundle.home / "bundle.json"
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(bundle.config, indent=2, default=str), "utf-8")
    draft.replace(file)
    return file
