"""The types of a bundle's fields. `refresh_fields` writes the table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("fields.json")
PLAIN = ("str", "int", "float", "bool", "any")


@dataclass(frozen=True)
class Fields:
    """The fields of mappings of one type, with their types; `required` are those that a deployment needs."""

    types: Mapping[str, str]
    required: tuple[str, ...]


@dataclass(frozen=True)
class FieldTable:
    """Types and enums by name."""

    types: Mapping[str, Fields]
    enums: Mapping[str, tuple[str, ...]]


@cache
def field_table() -> FieldTable:
    """The table, read once."""
    content = json.loads(TABLE.read_text("utf-8"))
    types = {name: _fields(written) for name, written in content["types"].items()}
    return FieldTable(types, {name: tuple(values) for name, values in content["enums"].items()})


def _fields(written: Mapping[str, str]) -> Fields:
    required = tuple(name.rstrip("!") for name in written if name.endswith("!"))
    return Fields({name.rstrip("!"): kind for name, kind in written.items()}, required)
