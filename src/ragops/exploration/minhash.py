"""Near-duplicates: MinHash signatures, and bands of them that only similar texts share.

Source: Broder, "On the resemblance and containment of documents", 1997; Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", chapter 3. Two texts of Jaccard similarity s share a band with probability 1 - (1 - s^ROWS)^BANDS: 0.95 at
0.8, 0.2 at 0.58, and never 1 in 10,000 below 0.22.
"""

import hashlib
from collections.abc import Sequence

from datasketch import MinHash

from ragops.corpus.index.stores.terms import words

BANDS = 16
ROWS = 8
SIGNATURE_LENGTH = BANDS * ROWS
SIMILAR = 0.8
"""Two documents with at least this estimate are near-duplicates."""

_WORDS_A_SHINGLE = 5


def shingles(text: str) -> frozenset[str]:
    """All runs of five words of a text, without case; a shorter text as a whole; empty for a text without words."""
    found = words(text.casefold())
    if not found:
        return frozenset()
    last = max(1, len(found) - _WORDS_A_SHINGLE + 1)
    return frozenset(" ".join(found[start : start + _WORDS_A_SHINGLE]) for start in range(last))


def signature(text: str) -> list[int]:
    """128 numbers below 2^32; the share of equal numbers estimates the Jaccard similarity of two texts' shingles.

    The standard error of that share is at most 0.045. Empty for a text without words.
    """
    pieces = shingles(text)
    if not pieces:
        return []
    sketch = MinHash(num_perm=SIGNATURE_LENGTH, seed=1)
    sketch.update_batch([piece.encode() for piece in pieces])
    return [int(value) for value in sketch.hashvalues]


def band_hashes(signature: Sequence[int]) -> list[int]:
    """One 63-bit number per band: texts that share any of them are candidates. Empty for an empty signature."""
    return [_hash(signature[start : start + ROWS]) for start in range(0, len(signature), ROWS)]


def similarity(first: Sequence[int], second: Sequence[int]) -> float:
    """The share of equal numbers in two signatures; 0 where one is empty."""
    if not first or not second:
        return 0.0
    return sum(a == b for a, b in zip(first, second, strict=True)) / SIGNATURE_LENGTH


def _hash(band: Sequence[int]) -> int:
    digest = hashlib.blake2b(b"".join(value.to_bytes(8, "big") for value in band), digest_size=8)
    return int.from_bytes(digest.digest(), "big") >> 1
