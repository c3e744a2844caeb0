import numpy as np

from ragops.corpus.embeddings.interface import normalized


def test_rows_get_length_one_and_zero_stays_zero() -> None:
    vectors = normalized(np.array([[3, 4], [0, 0]], dtype=np.float32))
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, [[0.6, 0.8], [0, 0]])
