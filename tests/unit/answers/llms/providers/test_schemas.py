"""Schemas for strict servers, and as patterns for models in this process."""

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.providers.schemas import compact_pattern, strict_schema

VERDICT = {"type": "string", "enum": ["yes", "partly", "no"]}


def flat(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


SCHEMA = flat(reason={"type": "string", "maxLength": 20}, v1=VERDICT, sure={"type": "boolean"}, n={"type": "integer"})


def test_a_strict_server_gets_no_limits_of_lengths() -> None:
    nested = flat(all={"type": "array", "items": {"type": "string", "maxLength": 9}}, one=SCHEMA)
    assert "maxLength" not in json.dumps(strict_schema(nested))
    assert strict_schema(nested)["required"] == ["all", "one"]
    assert "maxLength" in json.dumps(nested), "the schema itself stays as it is"


@given(st.from_regex(compact_pattern(SCHEMA) or "", fullmatch=True))
def test_all_that_fits_the_pattern_satisfies_the_schema(text: str) -> None:
    jsonschema.validate(json.loads(text), SCHEMA)
    assert "\n" not in text


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20), st.sampled_from(VERDICT["enum"]))
def test_any_reason_and_verdict_can_be_written(reason: str, verdict: str) -> None:
    written = json.dumps({"reason": reason, "v1": verdict, "sure": True, "n": -7}, ensure_ascii=False)
    assert re.fullmatch(compact_pattern(SCHEMA) or "", written)


@pytest.mark.parametrize(
    "schema",
    [
        flat(many={"type": "array", "items": {"type": "integer"}}),
        flat(inner=SCHEMA),
        flat(share={"type": "number"}),
        flat(odd={"enum": ["a b"]}),
        flat(one=VERDICT) | {"required": []},
        {"type": "object"},
    ],
)
def test_a_schema_that_is_not_flat_has_no_pattern(schema: dict[str, Any]) -> None:
    assert compact_pattern(schema) is None
