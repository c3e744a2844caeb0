"""Values as the types of their fields want them, with a warning for each that is dropped.

Rules: databricks/cli, libs/dyn/convert.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.fields import Fields, field_table
from localbundle.definitions.references import REFERENCE
from localbundle.definitions.yamlfile import Text, error_at, is_for_reuse, located_like
from localbundle.errors import Report, closest

UNKNOWN_FIELD, EMPTY_FIELD, WRONG_TYPE, WRONG_VALUE, MISSING_FIELD = (
    "unknown-field", "empty-field", "wrong-type", "wrong-value", "missing-field",
)  # fmt: skip
_KINDS: dict[type, str] = {
    dict: "a mapping", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number",
    type(None): "empty",
}  # fmt: skip
_WANTED = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
# A boolean field takes YAML 1.1's words, which are text everywhere else.
_TRUE = ("true", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON")
_FALSE = ("false", "n", "N", "no", "No", "NO", "off", "Off", "OFF")


class _Dropped(Exception):
    """The value has no place in its field."""


class Normalizer:
    """Gives values the types of their fields. What has none is left out, with a warning at its key or text."""

    def __init__(self, root: Path, warn: Report) -> None:
        self._root, self._warn = root, warn

    def section(self, value: Any, kind: str, path: tuple[object, ...] = ()) -> Any:  # noqa: ANN401 - YAML is any shape
        """The value as a `kind` of the table; None if it has none."""
        try:
            return self._value(value, kind, path)
        except _Dropped:
            return None

    def _value(self, value: Any, kind: str, path: tuple[object, ...]) -> Any:  # noqa: ANN401
        if isinstance(value, str) and kind != "str" and REFERENCE.fullmatch(value) and not self._is_enum(kind):
            return value  # a reference may have any value
        if kind == "any":
            return value
        if kind.startswith("[]"):
            return self._list(value, kind[2:], path)
        if kind.startswith("{}"):
            return self._mapping(value, lambda name: kind[2:], path)
        fields = field_table().types.get(kind)
        if fields is not None:
            return self._fields(value, fields, path)
        return self._plain(value, "str" if self._is_enum(kind) else kind, path)

    def _list(self, value: Any, kind: str, path: tuple[object, ...]) -> Any:  # noqa: ANN401
        if value is None:
            return None
        if not isinstance(value, list):
            raise self._mismatch(value, "a list", path)
        found: list[Any] = []
        for item in value:
            if item is None and kind != "any":
                self._dropped(None, (*path, len(found)), "is empty; remove it", EMPTY_FIELD)
                continue
            try:
                found.append(self._value(item, kind, (*path, len(found))))
            except _Dropped:
                continue
        return found

    def _fields(self, value: Any, fields: Fields, path: tuple[object, ...]) -> Any:  # noqa: ANN401
        if isinstance(value, dict):
            for key in [
                name for name, item in value.items() if name not in fields.types and not is_for_reuse(name, item)
            ]:
                where = ".".join(str(part) for part in path) or "the bundle"
                self._report(key, f"{where} has no field {key}; {closest(str(key), fields.types)}", UNKNOWN_FIELD)
            value = {key: item for key, item in value.items() if key in fields.types}
        return self._mapping(value, fields.types.__getitem__, path)

    def _mapping(self, value: Any, kind_of: Any, path: tuple[object, ...]) -> Any:  # noqa: ANN401
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._mismatch(value, "a mapping", path)
        found = {}
        for key, item in value.items():
            try:
                found[key] = self._value(item, kind_of(key), (*path, key))
            except _Dropped:
                continue
        return found

    def _plain(self, value: Any, kind: str, path: tuple[object, ...]) -> Any:  # noqa: ANN401
        wanted = _WANTED[kind]
        if value is None:
            raise self._dropped(
                path[-1] if path else None, path, f"is empty; write {wanted}, or remove it", EMPTY_FIELD
            )
        if kind == "str":
            if isinstance(value, dict | list):
                raise self._mismatch(value, wanted, path)
            return value if isinstance(value, str) else located_like(_nearest_text(path), as_text(value))
        if kind == "bool":
            if isinstance(value, bool):
                return value
            if value in _TRUE or value in _FALSE:
                return value in _TRUE
            raise self._mismatch(value, wanted, path)
        return self._number(value, kind, path)

    def _number(self, value: Any, kind: str, path: tuple[object, ...]) -> int | float:  # noqa: ANN401
        if isinstance(value, bool | dict | list):
            raise self._mismatch(value, _WANTED[kind], path)
        try:
            number = float(value) if kind == "float" or isinstance(value, float) else int(value)
        except ValueError:
            raise self._mismatch(value, _WANTED[kind], path) from None
        if kind == "int" and isinstance(number, float):
            if not number.is_integer():
                raise self._mismatch(value, _WANTED[kind], path)
            return int(number)
        return number

    def _is_enum(self, kind: str) -> bool:
        return kind in field_table().enums

    def _mismatch(self, value: object, wanted: str, path: tuple[object, ...]) -> _Dropped:
        origin = value if isinstance(value, Text) else _nearest_text(path)
        is_text = isinstance(value, str)
        found = f"{str(value)!r}" if is_text else _KINDS[type(value)]
        return self._dropped(origin, path, f"is {found}, and must be {wanted}; it is ignored", WRONG_TYPE)

    def _dropped(self, origin: object, path: tuple[object, ...], message: str, rule: str) -> _Dropped:
        origin = origin if isinstance(origin, Text) else _nearest_text(path)
        self._report(origin, f"{dotted(path)} {message}", rule)
        return _Dropped()

    def _report(self, origin: object, message: str, rule: str) -> None:
        self._warn(error_at(origin, self._root, message, rule=rule))


def check_values(resources: Mapping[str, Any], root: Path, warn: Report) -> None:
    """Warns of enum fields with an unknown value, and of required fields that are not set."""
    _check(resources, "resources", ("resources",), root, warn)


def _check(value: object, kind: str, path: tuple[object, ...], root: Path, warn: Report) -> None:
    table = field_table()
    if kind.startswith(("[]", "{}")):
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            _check(item, kind[2:], (*path, key), root, warn)
    elif kind in table.enums and isinstance(value, str) and not REFERENCE.search(value):
        if value not in table.enums[kind]:
            message = f"{dotted(path)} cannot be {value}; {closest(value, table.enums[kind])}"
            warn(error_at(value if isinstance(value, Text) else _nearest_text(path), root, message, rule=WRONG_VALUE))
    elif kind in table.types and isinstance(value, dict):
        for name in table.types[kind].required:
            if value.get(name) is None:
                message = f"{dotted(path)} has no {name}, which a deployment needs; add it"
                warn(error_at(_nearest_text((*path, *value)), root, message, rule=MISSING_FIELD))
        for key, item in value.items():
            if key in table.types[kind].types:
                _check(item, table.types[kind].types[key], (*path, key), root, warn)


def without_empty_text(value: Any, kind: str = "resources") -> Any:  # noqa: ANN401 - YAML is any shape
    """The value without optional fields that are empty text: a deployment does not send them."""
    table = field_table()
    if isinstance(value, list):
        return [without_empty_text(item, kind.removeprefix("[]")) for item in value]
    if not isinstance(value, dict):
        return value
    if kind.startswith("{}"):
        return {key: without_empty_text(item, kind[2:]) for key, item in value.items()}
    fields = table.types.get(kind)
    if fields is None:
        return value
    return {
        key: without_empty_text(item, fields.types.get(key, "any"))
        for key, item in value.items()
        if item != "" or key in fields.required
    }


def as_text(value: bool | int | float) -> str:
    """A number or a boolean where text is expected: 1.0 is "1", 1e3 is "1000", true is "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if math.isinf(value) or math.isnan(value):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(str(value), "NaN")
    return f"{value:.0f}" if value.is_integer() else _positional(value)


def _positional(value: float) -> str:
    """The shortest digits that name the number, without an exponent."""
    digits = repr(value)
    if "e" not in digits:
        return digits
    mantissa, exponent = digits.split("e")
    places = len(mantissa.partition(".")[2]) - int(exponent)
    return f"{value:.{max(places, 0)}f}"


def dotted(path: tuple[object, ...]) -> str:
    """A path as a bundle's author would write it: tasks.0.name."""
    return ".".join(str(part) for part in path)


def _nearest_text(path: tuple[object, ...]) -> object:
    return next((part for part in reversed(path) if isinstance(part, Text)), None)
