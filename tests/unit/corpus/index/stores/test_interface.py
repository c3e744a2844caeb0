from collections.abc import Callable

import pytest

from ragops.corpus.index.passages import Entry
from ragops.corpus.index.stores.interface import batched, check_batch


def test_items_are_batched_in_order() -> None:
    assert list(batched(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batched([], 2)) == []


def test_duplicate_ids_and_unusable_vectors_are_refused(make_entry: Callable[..., Entry]) -> None:
    check_batch([make_entry("a"), make_entry("b")])
    with pytest.raises(ValueError, match="chunk id a twice"):
        check_batch([make_entry("a"), make_entry("a")])
    with pytest.raises(ValueError, match="vector of chunk a"):
        check_batch([make_entry("a", vector=make_entry().vector * 0)])
