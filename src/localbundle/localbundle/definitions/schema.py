"""The types of the values in environments/laptop.yml, checked first so that later code can rely on them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.yamlfile import Text, error_at

_ANY, _ITEM, _REQUIRED = "*", "#", "!"  # any key of a mapping, any item of a list, a required value
_EXPECTED: dict[type, str] = {
    dict: "mapping; write `key: value` lines below it",
    list: "list; write `- ...` lines below it",
    str: "text; write a name or a path",
    bool: "boolean; write true or false",
}


LAPTOP_SHAPE: dict[str, type] = {
    "variables": dict, "checks": dict, "strict_volumes": bool, "ignore": list, "ignore.#!": str,
    "catalogs": list, "catalogs.#!": str, "install": bool,
}  # fmt: skip


def check_shape(config: Mapping[str, Any], shapes: Mapping[str, type], root: Path) -> None:
    """Refuses a value of the wrong type.

    Text with a reference in it may become anything but a boolean and passes; so does null where nothing is required.

    Args:
        config: the content of a file, or a merged bundle.
        shapes: the type by dotted path.
        root: the folder of databricks.yml.

    Raises:
        BundleError: names file, line, path, value and fix.
    """
    for pattern, kind in shapes.items():
        names = pattern.split(".")
        required = names[-1].endswith(_REQUIRED)
        for path, value in _at(config, [name.rstrip(_REQUIRED) for name in names], required):
            is_reference = isinstance(value, str) and "${" in value and kind is not bool
            if not ((value is None and not required) or isinstance(value, kind) or is_reference):
                origin = next((node for node in (value, *reversed(path)) if isinstance(node, Text)), None)
                name = ".".join(str(key) for key in path)
                raise error_at(origin, root, f"{name} is {value!r}, and must be a {_EXPECTED[kind]}")


def _at(
    config: object, names: list[str], required: bool, path: tuple[object, ...] = ()
) -> Iterator[tuple[tuple[object, ...], Any]]:
    """Each value at a path, with the keys that lead to it as written; None for a missing one that is required."""
    if not names:
        yield path, config
    elif names[0] == _ITEM and isinstance(config, list):
        for number, value in enumerate(config):
            yield from _at(value, names[1:], required, (*path, number))
    elif isinstance(config, Mapping):
        if required and len(names) == 1 and names[0] not in config:
            yield (*path, names[0]), None
        for key, value in config.items():
            if names[0] in (_ANY, key):
                yield from _at(value, names[1:], required, (*path, key))
