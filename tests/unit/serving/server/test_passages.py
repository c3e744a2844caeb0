"""A passage in its document, for those who may see it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.passages import Passage
from ragops.serving.server.passages import passage_in_document
from ragops.serving.server.types import Refused
from tests.support.chains import passage
from tests.support.served import Shelf

ROWS = [replace(passage(n, f"Text {n}."), doc_id="d", ordinal=n, path="d.md") for n in range(30)]


def opened(
    chunk_id: str, rows: Sequence[Passage] = ROWS, around: int = 40, groups: Collection[str] = ()
) -> dict[str, Any]:
    return passage_in_document(cast(Generation, Shelf(rows)), chunk_id, groups, around)


@given(number=st.integers(0, 29), around=st.integers(0, 40))
def test_the_window_contains_the_passage_in_order_and_says_what_it_cuts(number: int, around: int) -> None:
    found = opened(f"c{number}", around=around)
    shown = [part["text"] for part in found["document"]]
    first, last = max(0, number - around), min(29, number + around)
    assert shown == [f"Text {n}." for n in range(first, last + 1)]
    assert (found["truncated_before"], found["truncated_after"]) == (first > 0, last < 29)
    assert found["text"] == f"Text {number}."


def test_a_gap_does_not_end_the_document() -> None:
    rows = [row for row in ROWS if row.ordinal not in (3, 4)]
    found = opened("c2", rows, around=5)
    assert [part["text"] for part in found["document"]][-1] == "Text 7."
    assert found["truncated_after"]


def test_a_passage_of_others_is_like_one_that_is_unknown() -> None:
    rows = [replace(ROWS[0], groups=("hr",))]
    errors = []
    for chunk_id in ("c0", "c99"):
        with pytest.raises(Refused) as refused:
            opened(chunk_id, rows, groups=("staff",))
        errors.append((refused.value.status, str(refused.value)))
    assert errors[0] == errors[1] and errors[0][0] == 404
    assert opened("c0", rows, groups=("hr",))["text"] == "Text 0."
