"""The values of a bundle's variables (databricks/cli, set_variables.go)."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.references import WRONG_REFERENCE
from localbundle.definitions.yamlfile import error_at
from localbundle.errors import BundleError, Report, closest

_PREFIX = "BUNDLE_VAR_"


class Variables:
    """Gives each declared variable its value.

    --var wins over BUNDLE_VAR_name, that over the laptop's value, the file of overrides, and the default.
    """

    def __init__(self, root: Path, target: str, laptop: Mapping[str, Any], report: Report) -> None:
        self._root, self._report, self._laptop = root, report, laptop
        self._file = read_overrides(root, target)

    def values(self, declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """The declarations, each with its `value` if it has one.

        Raises:
            BundleError: a given variable is not declared, or is complex.
        """
        for name in given:
            if name not in declared:
                raise BundleError(f"variable {name} is not declared; {closest(name, declared)}")
            if (declared[name] or {}).get("type") == "complex":
                raise BundleError(f"variable {name} is complex; --var sets text only, write its value into a target")
        return {name: self._with_value(name, definition or {}, given) for name, definition in declared.items()}

    def _with_value(self, name: str, definition: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
        own = {key: value for key, value in definition.items() if key != "value"}
        value = self._value(name, own, given)
        if value is not None:
            return {**own, "value": value}
        if not own.get("lookup"):
            fix = f"give it a default, a target's value, or --var {name}=..."
            self._report(error_at(name, self._root, f"variable {name} has no value; {fix}", rule=WRONG_REFERENCE))
        return own

    def _value(self, name: str, own: Mapping[str, Any], given: Mapping[str, str]) -> Any:  # noqa: ANN401 - any shape
        if name in given:
            return given[name]
        if f"{_PREFIX}{name}" in os.environ:
            if own.get("type") == "complex":
                message = f"variable {name} is complex; {_PREFIX}{name} sets text only, write its value into a target"
                self._report(error_at(name, self._root, message, rule=WRONG_REFERENCE))
            else:
                return os.environ[f"{_PREFIX}{name}"]
        if self._laptop.get(name) is not None:
            return self._laptop[name]
        if own.get("lookup"):
            return None
        if self._file.get(name) is not None:
            self._check_kind(name, own)
            return self._file[name]
        return own.get("default")

    def _check_kind(self, name: str, own: Mapping[str, Any]) -> None:
        is_complex = isinstance(self._file[name], dict | list)
        if is_complex != (own.get("type") == "complex"):
            kind = "complex, and its declaration is not" if is_complex else "plain, and its declaration is complex"
            self._report(error_at(name, self._root, f"variable {name} is {kind}; correct variable-overrides.json"))


def undeclared_variables(
    declared: Mapping[str, Any], layers: list[Mapping[str, Any]], root: Path
) -> Iterator[BundleError]:
    """An error for each variable that a layer sets and the bundle does not declare."""
    for name in (name for layer in layers for name in layer if name not in declared):
        message = f"variable {name} is not declared; {closest(name, declared)}"
        yield error_at(name, root, message, rule=WRONG_REFERENCE)


def read_overrides(root: Path, target: str) -> dict[str, Any]:
    """What `.databricks/bundle/TARGET/variable-overrides.json` sets, which the CLI reads too.

    Raises:
        BundleError: the file is not a JSON object.
    """
    file = root / ".databricks" / "bundle" / target / "variable-overrides.json"
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise BundleError(f"is not JSON ({error}); correct it, or remove it", str(file.relative_to(root))) from error
    if not isinstance(content, dict):
        raise BundleError('is not an object; write {"NAME": "VALUE"}', str(file.relative_to(root)))
    return content
