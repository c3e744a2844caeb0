"""JSON schemas in the forms that providers take: strict ones for servers, patterns for models in this process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# OpenAI's strict mode refuses a schema with these; Databricks ignores them.
_NOT_STRICT = frozenset({"minLength", "maxLength"})
# A character of a JSON string: no control, and only the escapes that models write.
_CHARACTER = r'([^"\\\x00-\x1f]|\\["\\/nt])'


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without keywords that strict servers refuse: limits of lengths, which prompts state in words."""
    return {name: _strict(value) for name, value in schema.items() if name not in _NOT_STRICT}


def compact_pattern(schema: Mapping[str, Any]) -> str | None:
    """A regular expression of the objects that satisfy a schema, on one line; None if it is not a flat object.

    A small model that has to satisfy a schema alone fills its answer with line breaks between the tokens, which JSON
    allows: SmolLM2-135M wrote 106 tokens for a reason of one word and four verdicts, where 53 do.
    """
    properties = schema.get("properties")
    if not isinstance(properties, dict) or set(schema.get("required", ())) != set(properties):
        return None
    values = [_value(one) for one in properties.values()]
    if not all(values):
        return None
    pairs = (rf'"{re.escape(name)}": {value}' for name, value in zip(properties, values, strict=True))
    return rf"\{{{', '.join(pairs)}\}}"


def _strict(value: object) -> object:
    if isinstance(value, Mapping):
        return strict_schema(value)
    return [_strict(one) for one in value] if isinstance(value, list) else value


def _value(schema: Mapping[str, Any]) -> str | None:
    kind, choices = schema.get("type"), schema.get("enum")
    if choices is not None:
        plain = all(isinstance(one, str) and re.fullmatch(r"\w+", one) for one in choices)
        return rf'"({"|".join(choices)})"' if plain else None
    if kind == "string":
        most = schema.get("maxLength", "")
        return rf'"{_CHARACTER}{{{schema.get("minLength", 0)},{most}}}"'
    return {"boolean": "(true|false)", "integer": "-?(0|[1-9][0-9]{0,17})"}.get(str(kind))
