"""BM25 over the passages (bm25s, numpy), with a tokenizer that knows no language and keeps identifiers findable."""

import json
import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import bm25s
import numpy as np

from ragops.index.store import Hit

# bm25s logs every step at DEBUG, whatever level the program has set.
logging.getLogger("bm25s").setLevel(logging.WARNING)

_IDS_FILE = "ids.json"

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


class LexicalIndex:
    """An immutable BM25 index: `build` or `load`, then `query` from any number of threads."""

    def __init__(self, ids: Sequence[str], bm25: bm25s.BM25 | None) -> None:
        self.ids = tuple(ids)
        self._bm25 = bm25

    @classmethod
    def build(cls, ids: Sequence[str], texts: Sequence[str]) -> "LexicalIndex":
        """Indexes texts[i] under ids[i]; an empty corpus, or one without a single word, finds nothing."""
        corpus = [tokenize(text) for text in texts]
        if not any(corpus):
            return cls(ids, None)
        bm25 = bm25s.BM25()
        bm25.index(corpus, show_progress=False)
        return cls(ids, bm25)

    @classmethod
    def load(cls, directory: Path) -> "LexicalIndex":
        """Opens what `save` wrote, postings memory-mapped. Raises OSError or ValueError when it is damaged."""
        ids = json.loads((directory / _IDS_FILE).read_text("utf-8"))
        has_terms = (directory / "params.index.json").exists()
        bm25 = bm25s.BM25.load(str(directory), mmap=True, show_progress=False) if has_terms else None
        return cls(ids, bm25)

    def save(self, directory: Path) -> None:
        """Writes the index into a directory, made if need be."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / _IDS_FILE).write_text(json.dumps(self.ids), "utf-8")
        if self._bm25 is not None:
            self._bm25.save(str(directory), show_progress=False)

    def query(self, text: str, k: int) -> list[Hit]:
        """The k best passages that share a term with the text, best first, equals in the order they were built."""
        terms = [term for term in tokenize(text) if self._bm25 and term in self._bm25.vocab_dict]
        if self._bm25 is None or not terms or k < 1:
            return []
        scores = self._bm25.get_scores(terms)
        matching = np.flatnonzero(scores > 0)
        if matching.size > k:  # a common word matches nearly everything: sort no more than is asked for
            matching = matching[scores[matching] >= np.partition(scores[matching], -k)[-k]]
        best = matching[np.argsort(-scores[matching], kind="stable")][:k]
        return [Hit(self.ids[i], float(scores[i])) for i in best]
