"""Whatever is to be said, it is said in tags that Unity Catalog takes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.platform.tags import catalog_tag, from_pieces, in_pieces
from tests.support.catalog_rules import refusal

texts = st.text() | st.text(" \\\"'x").map(lambda text: text * 50) | st.text(max_size=20).map(lambda text: text * 100)


@given(st.dictionaries(texts, texts, max_size=3))
def test_any_object_comes_back_from_tags_that_the_catalog_takes(content: dict[str, str]) -> None:
    tags = in_pieces("ragops_template", content)
    assert refusal(tags) == "" and all(value.isascii() for value in tags.values())
    result = from_pieces("ragops_template", tags | {"task": "answer"})
    assert result is not None and json.loads(result) == content


def test_a_short_object_is_one_tag_of_json() -> None:
    assert in_pieces("told", {"a": "b c"}) == {"told": '{"a":"b c"}'}
    assert from_pieces("told", {"tale": "{}"}) is None


@given(texts)
def test_a_long_text_is_cut(text: str) -> None:
    value = catalog_tag(text)
    assert refusal({"reason": value}) == "" and value in text


@pytest.mark.parametrize(
    ("text", "length"),
    [("x" * 1_000, 1_000), ("x" * 1_001, 1_000), ("ü" * 1_000, 500), ("😀" * 251, 250), ("€" * 334, 333)],
)
def test_as_much_as_goes_into_a_thousand_bytes(text: str, length: int) -> None:
    assert len(catalog_tag(text)) == length


def test_half_a_character_is_none() -> None:
    assert catalog_tag("a\ud83d b") == "a b"
