"""How two parts of a bundle become one (databricks/cli, libs/dyn/merge)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from localbundle.definitions.yamlfile import Text, error_at
from localbundle.errors import BundleError

_KINDS: dict[type, str] = {dict: "a mapping", list: "a list", bool: "a boolean", int: "a number", float: "a number"}


def merge(base: Any, over: Any, root: Path, path: tuple[object, ...] = ()) -> Any:  # noqa: ANN401 - YAML is any shape
    """`base` with `over` applied: mappings merge deeply, lists are appended, an empty value changes nothing.

    Raises:
        BundleError: one is a mapping or a list and the other is not, or they are plain values of two kinds.
    """
    if base is None:
        return over
    if over is None:
        return base
    if _kind(base) != _kind(over):
        raise _conflict(base, over, root, path)
    if isinstance(base, dict):
        both = {key: merge(base[key], over[key], root, (*path, key)) if key in base else over[key] for key in over}
        return {**base, **both}
    return [*base, *over] if isinstance(base, list) else over


def by_key(items: Any, key: str, combine: Callable[[Any, Any], Any]) -> Any:  # noqa: ANN401
    """A list of mappings with those of the same name combined, in the order of their first appearance."""
    if not isinstance(items, list):
        return items
    found: dict[Any, Any] = {}
    for item in items:
        name = item.get(key) if isinstance(item, dict) else None
        found[name] = combine(found[name], item) if name in found else item
    return list(found.values())


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "text")


def _conflict(base: object, over: object, root: Path, path: tuple[object, ...]) -> BundleError:
    origin = over if isinstance(over, Text) else next((part for part in reversed(path) if isinstance(part, Text)), None)
    name = ".".join(str(part) for part in path)
    return error_at(origin, root, f"{name} is {_kind(base)} in one place and {_kind(over)} here; write the same kind")
