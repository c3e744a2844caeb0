import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ragops.corpus.embeddings.interface import normalized
from ragops.exploration.nearest import best_rows

MATRICES = arrays.arrays(np.float32, (12, 4), elements=st.floats(-1, 1, width=32))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(MATRICES, st.integers(1, 5), st.integers(1, 15))
def test_the_best_rows_are_among_those_of_all_batches(vectors: np.ndarray, cut: int, k: int) -> None:
    queries = normalized(np.eye(4, dtype=np.float32)[:3])
    rows = pd.DataFrame(
        {"part": "a", "text_hash": [f"t{n}" for n in range(12)], "embedding": [row.tolist() for row in vectors]}
    )
    found = pd.concat(best_rows(queries, k)(iter([rows[:cut], rows[cut:]])))
    exact = queries @ normalized(vectors).T
    for question in range(3):
        scores = sorted(found.loc[found["question"] == question, "score"], reverse=True)[:k]
        np.testing.assert_allclose(scores, sorted(exact[question], reverse=True)[:k], atol=1e-6)


def test_parts_are_kept_apart() -> None:
    rows = pd.DataFrame({"part": ["a", "b"], "text_hash": ["x", "y"], "embedding": [[1.0, 0.0], [0.0, 1.0]]})
    found = pd.concat(best_rows(np.array([[1, 0]], dtype=np.float32), 5)(iter([rows])))
    assert found[["part", "text_hash", "score"]].values.tolist() == [["a", "x", 1.0], ["b", "y", 0.0]]
