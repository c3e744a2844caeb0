"""A passage in its document, for those who may see it."""

from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.serving.server.passages import passage_in_document
from ragops.serving.server.types import Refused
from tests.support.chains import passage
from tests.support.served import Shelf

ROWS = [replace(passage(n, f"Text {n}."), doc_id="d", ordinal=n, path="d.md") for n in range(30)]


def opened(number: int, around: int = 40, groups: Collection[str] = ()) -> dict[str, object]:
    return passage_in_document(Shelf(ROWS), f"c{number}", groups, around)  # type: ignore[arg-type]


@given(number=st.integers(0, 29), around=st.integers(0, 40))
def test_the_window_contains_the_passage_in_order_and_says_what_it_cuts(number: int, around: int) -> None:
    found = opened(number, around)
    shown = [part["text"] for part in found["document"]]  # type: ignore[attr-defined]
    first, last = max(0, number - around), min(29, number + around)
    assert shown == [f"Text {n}." for n in range(first, last + 1)]
    assert (found["truncated_before"], found["truncated_after"]) == (first > 0, last < 29)
    assert found["text"] == f"Text {number}."


def test_a_gap_does_not_end_the_document() -> None:
    rows = [row for row in ROWS if row.ordinal not in (3, 4)]
    found = passage_in_document(Shelf(rows), "c2", (), 5)  # type: ignore[arg-type]
    assert [part["text"] for part in found["document"]][-1] == "Text 7."
    assert found["truncated_after"]


def test_a_passage_of_others_is_like_one_that_is_unknown() -> None:
    shelf = Shelf([replace(ROWS[0], groups=("hr",))])
    errors = []
    for chunk_id in ("c0", "c99"):
        with pytest.raises(Refused) as refused:
            passage_in_document(shelf, chunk_id, ("staff",))  # type: ignore[arg-type]
        errors.append((refused.value.status, str(refused.value)))
    assert errors[0] == errors[1] and errors[0][0] == 404
    assert passage_in_document(shelf, "c0", ("hr",))["text"] == "Text 0."  # type: ignore[arg-type]
