"""Texts to padded batches of token ids, for the encoders on CPU and GPU."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

# OpenVINO prepares kernels for each new shape, so lengths are rounded up to keep shapes few. GPUs benefit too.
_LENGTH_STEP = 16
# A tokenizer's results are a hundred times larger than the ids that are kept.
_TOKENIZED_AT_ONCE = 256

TokenIds = NDArray[np.int64]


def token_ids(tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[TokenIds]:
    """Yields each text's token ids, special tokens included."""
    for start in range(0, len(texts), _TOKENIZED_AT_ONCE):
        for encoding in tokenizer.encode_batch_fast(list(texts[start : start + _TOKENIZED_AT_ONCE])):
            yield np.array(encoding.ids, dtype=np.int64)


def batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Groups row numbers, longest first, so that each group has at most `tokens` when padded to its longest row."""
    rows = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    start = 0
    while start < len(rows):
        count = max(1, tokens // _rounded(lengths[rows[start]]))
        yield rows[start : start + count]
        start += count


def padded(sequences: Sequence[TokenIds], longest: int, pad_id: int) -> tuple[TokenIds, TokenIds]:
    """Returns ids and mask of shape (sequences, width); width is the first length, rounded up, at most `longest`."""
    shape = (len(sequences), min(_rounded(len(sequences[0])), longest))
    ids = np.full(shape, pad_id, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask


def _rounded(length: int) -> int:
    """A length in tokens, rounded up to the next used one."""
    return -(-length // _LENGTH_STEP) * _LENGTH_STEP
