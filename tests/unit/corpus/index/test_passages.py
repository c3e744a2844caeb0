from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pandas as pd
import pytest

from ragops.corpus.index.access import AccessRule, groups_of
from ragops.corpus.index.passages import Entry, Passage, entries_from_frame, restricted_hash, rewritten


@pytest.mark.parametrize(
    ("changed", "new_vector"),
    [
        ({"text_hash": "f" * 64}, True),
        ({"page": None}, False),
        ({"ordinal": 5}, False),
        ({"path": "c.md"}, False),
        ({"title": "Other"}, False),
        ({"doc_id": "d2"}, False),
        ({"text": "Other"}, False),
        ({"heading_path": ("Part Section",)}, False),
        ({"groups": ("hr",)}, False),
    ],
)
def test_the_row_hash_shows_whether_text_or_other_fields_changed(
    make_entry: Callable[..., Entry], changed: dict[str, object], new_vector: bool
) -> None:
    before, after = make_entry().row_hash, make_entry(**changed).row_hash
    assert before != after
    assert rewritten(before, after) is new_vector


def test_the_row_hash_differs_for_different_groups(make_entry: Callable[..., Entry]) -> None:
    sets = [(), ("a",), ("b",), ("a", "b"), ("a,b",), ('a", "b',)]
    assert len({make_entry(groups=groups).row_hash for groups in sets}) == len(sets)
    assert make_entry(groups=("a",)).row_hash == restricted_hash(make_entry().row_hash, ("a",))


def test_row_hash_does_not_depend_on_the_vector(make_entry: Callable[..., Entry]) -> None:
    assert make_entry().row_hash == make_entry(vector=np.ones(2, dtype=np.float32)).row_hash


def test_the_row_hash_does_not_change(make_entry: Callable[..., Entry]) -> None:
    """A change would make every row of published indexes look different, and contradict ROW_HASH_SQL."""
    assert make_entry().row_hash == "0123456789abcdef" + "27ac81f73d307e61"


def test_entries_are_made_from_a_frame(make_entry: Callable[..., Entry]) -> None:
    rows = [make_entry("c1", groups=("hr",)), make_entry("c2", page=None, heading_path=(), title="", path="b.md")]
    columns = {f.name: [getattr(row, f.name) for row in rows] for f in fields(Passage) if f.name != "groups"}
    columns["heading_path"] = [np.array(["Part", "Section"]), None]  # as Arrow gives lists and NULLs
    columns["title"] = ["Title", None]
    frame = pd.DataFrame({**columns, "embedding": [[3.0, 4.0], np.array([1.0, 0.0])]})
    assert frame["page"].dtype == np.float64
    entries = entries_from_frame(frame, groups_of([AccessRule(path="a/**", groups=("hr",))]))
    assert entries == rows
    assert [type(entry.page) for entry in entries] == [int, type(None)]
    assert entries[0].vector.dtype == np.float32
    assert entries[1].vector.tolist() == [1.0, 0.0]


def test_no_rows_give_no_entries() -> None:
    assert (
        entries_from_frame(pd.DataFrame(columns=[*(f.name for f in fields(Passage)), "embedding"]), groups_of([])) == []
    )


def test_entries_are_frozen(make_entry: Callable[..., Entry]) -> None:
    with pytest.raises(FrozenInstanceError):
        make_entry().title = "x"
