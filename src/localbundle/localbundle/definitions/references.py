"""References in a bundle: `${...}`, resolved when it is read (at deploy, on Databricks), and the syntax of `{{...}}`.

The values of `{{...}}` exist only in a run: see `localbundle.runs.dynamic_values`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from localbundle.definitions.yamlfile import error_at, located_like
from localbundle.errors import BundleError, Report, closest, raise_error

REFERENCE = re.compile(r"\$\{([A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*)\}")
WRONG_REFERENCE = "wrong-reference"
_NAMESPACES = ("var", "variables", "bundle", "workspace", "resources", "artifacts")

DYNAMIC_REFERENCE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
PLAIN_KEY = re.compile(r"[A-Za-z0-9_]+")
_PART = re.compile(r"`([^`]+)`|([A-Za-z0-9_]+)")
TIMES: dict[str, Callable[[datetime], str]] = {
    "iso_weekday": lambda time: str(time.isoweekday()),
    "is_weekday": lambda time: str(time.isoweekday() <= 5).lower(),
    "iso_date": lambda time: time.date().isoformat(),
    "iso_datetime": lambda time: time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    "year": lambda time: str(time.year),
    "month": lambda time: str(time.month),
    "day": lambda time: str(time.day),
    "hour": lambda time: str(time.hour),
    "minute": lambda time: str(time.minute),
    "second": lambda time: str(time.second),
    "timestamp_ms": lambda time: str(int(time.timestamp() * 1000)),
}


class Resolver:
    """Replaces `${...}` in a tree by the values that they name in that same tree.

    A string that is one reference takes the value with its type; a reference inside a longer string takes its text.
    `postponed` namespaces stay as written: names of resources are final only after the presets. A reference that names
    nothing also stays, if `report` does not raise.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        root: Path,
        postponed: tuple[str, ...] = (),
        report: Report = raise_error,
    ) -> None:
        self._config, self._root, self._postponed, self._report = config, root, postponed, report

    def resolve(self, value: Any, trail: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - YAML is any shape
        """The value with every reference in it replaced.

        Raises:
            BundleError: a reference names nothing, or refers to itself.
        """
        if isinstance(value, dict):
            return {key: self.resolve(item, trail) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item, trail) for item in value]
        return self._resolve_text(value, trail) if isinstance(value, str) else value

    def _resolve_text(self, text: str, trail: tuple[str, ...]) -> Any:  # noqa: ANN401
        whole = REFERENCE.fullmatch(text)
        if whole:
            found = self._look_up(whole[1], text, trail)
            return located_like(text, found) if isinstance(found, str) else found
        replaced = REFERENCE.sub(lambda match: _as_text(self._look_up(match[1], text, trail)), text)
        return located_like(text, replaced)

    def _look_up(self, path: str, text: str, trail: tuple[str, ...]) -> Any:  # noqa: ANN401
        if path.split(".")[0] not in self._postponed:
            try:
                return self._found(path, text, trail)
            except BundleError as error:
                self._report(error)
        return f"${{{path}}}"

    def _found(self, path: str, text: str, trail: tuple[str, ...]) -> Any:  # noqa: ANN401
        namespace = path.split(".")[0]
        if namespace not in _NAMESPACES:
            raise self._error(text, f"${{{path}}} is not a bundle reference; {closest(namespace, _NAMESPACES)}")
        if path in trail:
            raise self._error(text, f"${{{path}}} refers to itself through {' -> '.join(trail)}; break the cycle")
        return self.resolve(self._find(path, text), (*trail, path))

    def _find(self, path: str, text: str) -> Any:  # noqa: ANN401
        keys = re.findall(r"[\w-]+", path)
        if keys[0] in ("var", "variables"):
            return self._variable(path, keys, text)
        # An id is assigned at deploy; here a resource's key is its id.
        is_id = keys[0] == "resources" and keys[3:] == ["id"]
        node: Any = self._config
        for key in keys[:3] if is_id else keys:
            node = self._step(node, key, path, text)
        return keys[2] if is_id else node

    def _variable(self, path: str, keys: list[str], text: str) -> Any:  # noqa: ANN401
        variables, name = self._config["variables"], keys[1]
        if name not in variables:
            raise self._error(text, f"${{{path}}}: no variable {name} is declared; {closest(name, variables)}")
        node = variables[name].get("value")
        if node is None:
            fix = f"give it a default, a target's value, or --var {name}=..."
            raise self._error(text, f"variable {name} has no value; {fix}")
        for key in keys[3:] if keys[0] == "variables" and keys[2:3] == ["value"] else keys[2:]:
            if isinstance(node, str):  # a variable that is itself a reference to a complex one
                node = self.resolve(node, (path,))
            node = self._step(node, key, path, text)
        return node

    def _step(self, node: Any, key: str, path: str, text: str) -> Any:  # noqa: ANN401
        if isinstance(node, list) and key.isdigit() and int(key) < len(node):
            return node[int(key)]
        if isinstance(node, dict) and key in node:
            return node[key]
        hint = closest(key, node if isinstance(node, dict) else ())
        raise self._error(text, f"${{{path}}}: there is no {key}; {hint}")

    def _error(self, text: str, message: str) -> BundleError:
        return error_at(text, self._root, message, rule=WRONG_REFERENCE)


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def split_path(path: str) -> tuple[str, ...] | None:
    """The parts of a dynamic reference between its braces, without backticks; None if it is malformed."""
    parts: list[str] = []
    position = 0
    while True:
        match = _PART.match(path, position)
        if match is None:
            return None
        parts.append(match[1] or match[2])
        position = match.end()
        if position == len(path):
            return tuple(parts)
        if path[position] != ".":
            return None
        position += 1
