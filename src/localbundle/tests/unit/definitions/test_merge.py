from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.merge import by_key, merge
from localbundle.definitions.yamlfile import Text
from localbundle.errors import BundleError

ROOT = Path("/bundle")
trees = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.none()),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


@given(trees, trees)
def test_merging_is_idempotent_and_loses_no_key(base, over) -> None:
    once = merge(base, over, ROOT)
    assert merge(once, over, ROOT) == once
    assert merge({}, once, ROOT) == once
    assert {*base, *over} == {*once}


def test_an_empty_value_changes_nothing_and_lists_are_appended() -> None:
    assert merge({"a": 1, "b": [1]}, {"a": None, "b": [2]}, ROOT) == {"a": 1, "b": [1, 2]}


def test_values_of_two_kinds_do_not_merge() -> None:
    over = {Text("queue", ROOT / "a.yml", 7): Text("on", ROOT / "a.yml", 7)}
    with pytest.raises(BundleError, match="a.yml:7: queue is a mapping in one place and text here"):
        merge({"queue": {"enabled": True}}, over, ROOT)


def test_items_of_one_name_are_combined_where_the_first_stands() -> None:
    items = [{"name": "a", "x": 1}, {"name": "b"}, {"name": "a", "y": 2}]
    combined = by_key(items, "name", lambda base, over: merge(base, over, ROOT))
    assert combined == [{"name": "a", "x": 1, "y": 2}, {"name": "b"}]
