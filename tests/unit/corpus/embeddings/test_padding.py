import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.embeddings.padding import batches, padded

LENGTHS = st.lists(st.integers(min_value=1, max_value=8192), max_size=60)


@given(LENGTHS, st.integers(min_value=1, max_value=131_072))
def test_batches_contain_every_row_once_within_the_budget(lengths: list[int], tokens: int) -> None:
    found = list(batches(lengths, tokens))
    assert sorted(row for rows in found for row in rows) == list(range(len(lengths)))
    assert all(len(rows) == 1 or len(rows) * max(lengths[row] for row in rows) <= tokens for rows in found)


def test_short_texts_fill_a_batch_independently_of_the_longest() -> None:
    assert [len(rows) for rows in batches([200] * 1000 + [8192], 131_072)] == [16, 630, 355]


@given(st.lists(st.integers(min_value=1, max_value=60), min_size=1, max_size=9))
def test_the_mask_selects_the_original_ids(lengths: list[int]) -> None:
    sequences = [np.arange(1, length + 1) for length in sorted(lengths, reverse=True)]
    ids, mask = padded(sequences, 60, pad_id=0)
    assert [row[kept == 1].tolist() for row, kept in zip(ids, mask, strict=True)] == [s.tolist() for s in sequences]
    assert ids.shape == mask.shape == (len(lengths), min(-(-max(lengths) // 16) * 16, 60))
    assert (ids[mask == 0] == 0).all()
