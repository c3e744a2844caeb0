"""References in a bundle: `${...}`, resolved when it is read (at deploy, on Databricks), and the syntax of `{{...}}`.

The values of `{{...}}` exist only in a run: see `localbundle.runs.dynamic_values`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from localbundle.definitions.fields import field_table
from localbundle.definitions.yamlfile import error_at, located_like
from localbundle.errors import BundleError, Report, closest, raise_error

_NAME = r"[^\W\d_]+(?:[^\W_]|[-_]+(?=[^\W_]))*"  # letters, then letters and digits with - and _ between them
REFERENCE = re.compile(rf"\$\{{({_NAME}(?:\[\d+\])*(?:\.{_NAME}(?:\[\d+\])*)*)\}}")
WRONG_REFERENCE, NEEDS_WORKSPACE = "wrong-reference", "needs-workspace"
# What is resolved as the bundle is read. References to resources come last: their names are final after the presets.
NAMESPACES = ("var", "variables", "bundle", "workspace")
LAPTOP_FILE = Path("environments/laptop.yml")
_ASSIGNED = {
    "apps": ("service_principal_client_id", "service_principal_id", "service_principal_name", "url"),
    "database_instances": ("read_write_dns", "uid"),
    "jobs": ("url",),
    "model_serving_endpoints": ("url",),
    "pipelines": ("url",),
}
"""Fields that a deployment assigns, in addition to ids."""
_FULL_NAMES = {
    "schemas": ("catalog_name", "name"),
    "volumes": ("catalog_name", "schema_name", "name"),
    "registered_models": ("catalog_name", "schema_name", "name"),
}

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
    """Replaces `${...}` in a tree by the values that they name in a config (databricks/cli, libs/dyn/dynvar).

    A string that is one reference takes the value with its type; a reference inside a longer string takes its text.
    Other text in `${}`, and references outside `namespaces`, stay as written. So does a reference that names nothing,
    if `report` does not raise.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        root: Path,
        namespaces: tuple[str, ...] = NAMESPACES,
        report: Report = raise_error,
    ) -> None:
        self._config, self._root, self._namespaces, self._report = config, root, namespaces, report
        self.faults: dict[str, BundleError] = {}  # by the reference that stays as written

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
        if "${" not in text:
            return text
        whole = REFERENCE.fullmatch(text)
        if whole:
            found = self._look_up(whole[1], text, trail)
            return located_like(text, found) if isinstance(found, str) else found
        replaced = REFERENCE.sub(lambda match: self._inside(match[1], text, trail), text)
        return located_like(text, replaced)

    def _inside(self, path: str, text: str, trail: tuple[str, ...]) -> str:
        found = self._look_up(path, text, trail)
        if isinstance(found, dict | list):
            kind = "a list" if isinstance(found, list) else "a mapping"
            self._fault(
                path, self._error(text, f"${{{path}}} is {kind}, and stands in text; write the reference alone")
            )
            return f"${{{path}}}"
        return _in_text(found)

    def _look_up(self, path: str, text: str, trail: tuple[str, ...]) -> Any:  # noqa: ANN401
        if path.split(".")[0] in self._namespaces:
            try:
                return self._found(path, text, trail)
            except BundleError as error:
                self._fault(path, error)
        return f"${{{path}}}"

    def _fault(self, path: str, error: BundleError) -> None:
        self.faults[path] = error
        self._report(error)

    def _found(self, path: str, text: str, trail: tuple[str, ...]) -> Any:  # noqa: ANN401
        if path in trail:
            raise self._error(text, f"${{{path}}} refers to itself through {' -> '.join(trail)}; break the cycle")
        return self.resolve(self._find(path, text), (*trail, path))

    def _find(self, path: str, text: str) -> Any:  # noqa: ANN401
        keys = re.findall(r"[^.\[\]]+", path)
        if keys[0] in ("var", "variables"):
            return self._variable(path, keys, text)
        if keys[0] == "resources" and len(keys) == 4:
            return self._of_resource(path, keys, text)
        return self._walk(self._config, "root", keys, path, text)

    def _variable(self, path: str, keys: list[str], text: str) -> Any:  # noqa: ANN401
        variables = self._config.get("variables") or {}
        if len(keys) < 2 or keys[1] not in variables:
            name = keys[1] if len(keys) > 1 else ""
            raise self._error(text, f"${{{path}}}: no variable {name} is declared; {closest(name, variables)}")
        name, definition = keys[1], variables[keys[1]] or {}
        if keys[0] == "variables" and keys[2:3] != ["value"]:
            return self._walk(definition, "variable", keys[2:], path, text)
        if definition.get("value") is None:
            raise self._without_value(name, definition, text)
        return self._walk(definition["value"], "any", keys[3 if keys[0] == "variables" else 2 :], path, text)

    def _without_value(self, name: str, definition: Mapping[str, Any], text: str) -> BundleError:
        lookup = definition.get("lookup")
        if isinstance(lookup, dict) and lookup:
            kind, wanted = next(iter(lookup.items()))
            message = f"variable {name} looks up {kind} {wanted} in a workspace, which a laptop does not have"
            fix = f"set it in {LAPTOP_FILE}, or with --var {name}=..."
            return error_at(text, self._root, f"{message}; {fix}", rule=NEEDS_WORKSPACE)
        fix = f"give it a default, a target's value, or --var {name}=..."
        return self._error(text, f"variable {name} has no value; {fix}")

    def _of_resource(self, path: str, keys: list[str], text: str) -> Any:  # noqa: ANN401
        """A field of a resource, or what a deployment assigns to it: here its key is its id."""
        _, kind, key, field = keys
        resource = ((self._config.get("resources") or {}).get(kind) or {}).get(key)
        if isinstance(resource, dict):
            if resource.get(field) is not None:
                return resource[field]
            names = [str(resource.get(part, "")) for part in _FULL_NAMES.get(kind, ())]
            if field in ("id", "full_name") and names:
                return ".".join(names)
            if field == "volume_path" and kind == "volumes":
                return "/".join(["/Volumes", *names])
            if field in ("id", f"{kind.removesuffix('s')}_id", *_ASSIGNED.get(kind, ())):
                return key
        return self._walk(self._config, "root", keys, path, text)

    def _walk(self, node: Any, kind: str, keys: list[str], path: str, text: str) -> Any:  # noqa: ANN401
        for key in keys:
            if isinstance(node, str) and REFERENCE.fullmatch(node):  # for example a variable that is a complex one
                node = self.resolve(node, (path,))
            node, kind = self._step(node, kind, key, path, text)
        return node

    def _step(self, node: Any, kind: str, key: str, path: str, text: str) -> tuple[Any, str]:  # noqa: ANN401
        if isinstance(node, list) and key.isdigit() and int(key) < len(node):
            return node[int(key)], kind.removeprefix("[]")
        inner = _field_kind(kind, key)
        if isinstance(node, dict) and node.get(key) is not None:
            return node[key], inner or "any"
        if inner not in (None, "any") and isinstance(node, dict | None):
            return _zero(str(inner)), str(inner)
        hint = closest(key, node if isinstance(node, dict) else ())
        raise self._error(text, f"${{{path}}}: there is no {key}; {hint}")

    def _error(self, text: str, message: str) -> BundleError:
        return error_at(text, self._root, message, rule=WRONG_REFERENCE)


def references_in(value: object) -> Iterator[str]:
    """The paths of all references in a tree."""
    if isinstance(value, dict):
        for item in value.values():
            yield from references_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from references_in(item)
    elif isinstance(value, str) and "${" in value:
        yield from (match[1] for match in REFERENCE.finditer(value))


def _field_kind(kind: str, key: str) -> str | None:
    """The type of a field that a mapping of this type may have; None if it has no such field."""
    fields = field_table().types.get(kind)
    if fields is None or kind in ("resources",) or kind.startswith("resource."):
        return None
    return fields.types.get(key)


def _zero(kind: str) -> object:
    """What a known field that is not set stands for."""
    if kind.startswith("[]"):
        return []
    return {"str": "", "bool": False, "int": 0, "float": 0.0}.get(kind, {} if kind in field_table().types else "")


def _in_text(value: object) -> str:
    """A value inside text, as Go prints it."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e21 else repr(value)
    return str(value)


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
