import numpy as np
import pytest

from ragops.corpus.index.passages import TextVector
from ragops.corpus.index.stores.interface import batched, check_batch


def test_items_are_batched_in_order() -> None:
    assert list(batched(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batched([], 2)) == []


def test_a_text_twice_and_unusable_vectors_are_refused() -> None:
    ones = np.ones(3, np.float32)
    check_batch([TextVector("a", (), ones), TextVector("b", (), ones)])
    with pytest.raises(ValueError, match="text a twice"):
        check_batch([TextVector("a", (), ones), TextVector("a", ("hr",), ones)])
    with pytest.raises(ValueError, match="vector of text a"):
        check_batch([TextVector("a", (), ones * 0)])
