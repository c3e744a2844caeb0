import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.platform.tags import CLOUD_TAG_LENGTH, cloud_tag

# databricks/cli, libs/tags/gcp.go
TAKEN = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")


@given(st.text(max_size=200))
def test_every_cloud_takes_it(text: str) -> None:
    tag = cloud_tag(text)
    assert TAKEN.fullmatch(tag) and len(tag) <= CLOUD_TAG_LENGTH
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
def test_it_says_the_same(text: str, tag: str) -> None:
    assert cloud_tag(text) == tag
