import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.platform.tags import CLOUD_TAG_LENGTH, catalog_tag, cloud_tag, from_pieces, in_pieces
from tests.support.catalog_rules import refusal

texts = st.text() | st.text(" \\\"'x").map(lambda text: text * 50) | st.text(max_size=20).map(lambda text: text * 100)


@given(st.dictionaries(texts, texts, max_size=3))
def test_any_object_survives_a_round_trip_through_valid_tags(content: dict[str, str]) -> None:
    tags = in_pieces("ragops_template", content)
    assert refusal(tags) == "" and all(value.isascii() for value in tags.values())
    result = from_pieces("ragops_template", tags | {"task": "answer"})
    assert result is not None and json.loads(result) == content


def test_a_short_object_is_one_tag_of_json() -> None:
    assert in_pieces("note", {"a": "b c"}) == {"note": '{"a":"b c"}'}
    assert from_pieces("note", {"another": "{}"}) is None


@given(texts)
def test_any_text_is_cut_to_a_valid_tag(text: str) -> None:
    value = catalog_tag(text)
    assert refusal({"reason": value}) == "" and value in text


@pytest.mark.parametrize(
    ("text", "length"),
    [("x" * 1_000, 1_000), ("x" * 1_001, 1_000), ("ü" * 1_000, 500), ("😀" * 251, 250), ("€" * 334, 333)],
)
def test_a_catalog_tag_has_at_most_a_thousand_bytes(text: str, length: int) -> None:
    assert len(catalog_tag(text)) == length


def test_half_a_surrogate_pair_is_dropped() -> None:
    assert catalog_tag("a\ud83d b") == "a b"


# databricks/cli, libs/tags/gcp.go
VALID = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")


@given(st.text(max_size=200))
def test_any_text_becomes_a_tag_that_every_cloud_accepts(text: str) -> None:
    tag = cloud_tag(text)
    assert VALID.fullmatch(tag) and len(tag) <= CLOUD_TAG_LENGTH
    assert cloud_tag(tag) == tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("python-reference", "python-reference"),
        ("Qualität & Prüfung\n", "Qualitat_Prufung"),
        ("team: a/b", "team_a_b"),
        ("a" * 64, "a" * 63),
        ("質問", ""),
    ],
)
def test_a_cloud_tag_stays_readable(text: str, tag: str) -> None:
    assert cloud_tag(text) == tag
