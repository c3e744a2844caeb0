"""`${...}`: references that are resolved when the bundle is read (at deploy, on Databricks)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.yamlfile import in_place_of, place
from localbundle.errors import BundleError, Refuse, closest, stop

REFERENCE = re.compile(r"\$\{([A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*)\}")
_NAMESPACES = ("var", "variables", "bundle", "workspace", "resources", "artifacts")


class Resolver:
    """Replaces references in a tree by what they name in that same tree.

    A string that is one reference takes the value with its type; a reference inside a longer string takes its text.
    `postponed` namespaces are left as they are: names of resources are final only after the presets. So is a reference
    that names nothing, where `refuse` does not raise.
    """

    def __init__(
        self, config: Mapping[str, Any], root: Path, postponed: tuple[str, ...] = (), refuse: Refuse = stop
    ) -> None:
        self._config, self._root, self._postponed, self._refuse = config, root, postponed, refuse

    def resolve(self, value: Any, trail: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - YAML is any shape
        """The value with every reference in it replaced.

        Raises:
            BundleError: a reference names nothing, or goes in a circle.
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
            return in_place_of(text, found) if isinstance(found, str) else found
        replaced = REFERENCE.sub(lambda match: _as_text(self._look_up(match[1], text, trail)), text)
        return in_place_of(text, replaced)

    def _look_up(self, path: str, text: str, trail: tuple[str, ...]) -> Any:  # noqa: ANN401
        if path.split(".")[0] not in self._postponed:
            try:
                return self._found(path, text, trail)
            except BundleError as error:
                self._refuse(error)
        return f"${{{path}}}"

    def _found(self, path: str, text: str, trail: tuple[str, ...]) -> Any:  # noqa: ANN401
        namespace = path.split(".")[0]
        where = place(text, self._root)
        if namespace not in _NAMESPACES:
            raise BundleError(f"{where}${{{path}}} is not a reference of bundles; {closest(namespace, _NAMESPACES)}")
        if path in trail:
            raise BundleError(f"{where}${{{path}}} refers to itself through {' -> '.join(trail)}; break the circle")
        return self.resolve(self._find(path, where), (*trail, path))

    def _find(self, path: str, where: str) -> Any:  # noqa: ANN401
        keys = re.findall(r"[\w-]+", path)
        if keys[0] in ("var", "variables"):
            return self._variable(path, keys, where)
        # An id is given at deploy; here a resource's key is its id.
        named_id = keys[0] == "resources" and keys[3:] == ["id"]
        node: Any = self._config
        for key in keys[:3] if named_id else keys:
            node = _step(node, key, f"{where}${{{path}}}")
        return keys[2] if named_id else node

    def _variable(self, path: str, keys: list[str], where: str) -> Any:  # noqa: ANN401
        variables = self._config["variables"]
        if keys[1] not in variables:
            raise BundleError(f"{where}${{{path}}}: no variable {keys[1]} is declared; {closest(keys[1], variables)}")
        definition = variables[keys[1]]
        if definition.get("value") is None:
            raise BundleError(
                f"{where}variable {keys[1]} has no value; give it a default, a target's value, or --var {keys[1]}=..."
            )
        node = definition["value"]
        for key in keys[3:] if keys[0] == "variables" and keys[2:3] == ["value"] else keys[2:]:
            if isinstance(node, str):  # a variable that is itself a reference to a complex one
                node = self.resolve(node, (path,))
            node = _step(node, key, f"{where}${{{path}}}")
        return node


def _step(node: Any, key: str, what: str) -> Any:  # noqa: ANN401
    if isinstance(node, list) and key.isdigit() and int(key) < len(node):
        return node[int(key)]
    if isinstance(node, dict) and key in node:
        return node[key]
    raise BundleError(f"{what}: there is no {key}; {closest(key, node if isinstance(node, dict) else ())}")


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
