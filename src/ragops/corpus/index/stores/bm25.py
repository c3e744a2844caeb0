"""BM25 over the passages (bm25s, numpy)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ragops.corpus.index.stores.interface import Hit
from ragops.corpus.index.stores.terms import tokenize
from ragops.corpus.index.stores.terms_version import terms_version

if TYPE_CHECKING:
    import bm25s

# bm25s logs every step at DEBUG, regardless of the program's level.
logging.getLogger("bm25s").setLevel(logging.WARNING)

_IDS_FILE = "ids.json"
_TERMS_FILE = "terms.npz"
_FORMAT_FILE = "format.json"

# Chosen with the fusion on three sets of questions (docs/explanation.md). The splitter makes passages of similar
# length, so less is corrected for it than by the library's 1.5 and 0.75.
_K1 = 0.9
_B = 0.4

# The terms of one passage, as numbers of the index's vocabulary.
Terms = npt.NDArray[np.int32]


class LexicalIndex:
    """An immutable BM25 index: `build`, `changed` or `load`, then `query` from any number of threads."""

    def __init__(
        self,
        ids: Sequence[str],
        bm25: bm25s.BM25 | None,
        terms: Callable[[], Sequence[Terms]],
        languages: Sequence[str] = (),
    ) -> None:
        """Only this class creates one. `terms`: those of each passage, read when an index is derived from this one."""
        self.ids = tuple(ids)
        self.languages = tuple(languages)
        self._bm25 = bm25
        self._terms = terms

    @classmethod
    def build(cls, ids: Sequence[str], texts: Sequence[str], languages: Sequence[str] = ()) -> LexicalIndex:
        """Indexes texts[i] under ids[i]; searches of a corpus without words find nothing.

        `languages`: ISO 639-1 codes, for stemming.
        """
        vocabulary: dict[str, int] = {}
        return cls._index(ids, [_numbers(text, vocabulary, languages) for text in texts], vocabulary, languages)

    def changed(self, removed: Collection[str], added: Mapping[str, str]) -> LexicalIndex:
        """Equals `build` with the changed passages, without reading the unchanged ones again.

        `added`: texts by id, new or replacing earlier ones.
        """
        vocabulary = dict(self._vocabulary)
        gone = {*removed, *added}
        passages = {i: terms for i, terms in zip(self.ids, self._terms(), strict=True) if i not in gone}
        passages |= {chunk_id: _numbers(text, vocabulary, self.languages) for chunk_id, text in added.items()}
        ids = sorted(passages)
        return self._index(ids, [passages[chunk_id] for chunk_id in ids], vocabulary, self.languages)

    @classmethod
    def _index(
        cls, ids: Sequence[str], passages: Sequence[Terms], vocabulary: Mapping[str, int], languages: Sequence[str]
    ) -> LexicalIndex:
        flat = np.concatenate([np.empty(0, np.int32), *passages])
        if not flat.size:
            return cls(ids, None, lambda: passages, languages)
        used, numbers = np.unique(flat, return_inverse=True)  # terms of removed passages are dropped
        terms = {number: term for term, number in vocabulary.items()}
        renumbered = _split(numbers.astype(np.int32), [len(passage) for passage in passages])
        import bm25s  # 0.1 s, which publishing without changes does not need

        bm25 = bm25s.BM25(k1=_K1, b=_B)
        known = {terms[number]: index for index, number in enumerate(used.tolist())}
        corpus = ([passage.tolist() for passage in renumbered], known)
        bm25.index(corpus, create_empty_token=False, show_progress=False)
        return cls(ids, bm25, lambda: renumbered, languages)

    @classmethod
    def load(cls, directory: Path) -> LexicalIndex:
        """Opens a saved index with memory-mapped postings.

        Raises OSError or ValueError if it is damaged, or has terms of another version.
        """
        languages = _read_languages(directory / _FORMAT_FILE)
        ids = json.loads((directory / _IDS_FILE).read_text("utf-8"))
        has_terms = (directory / "params.index.json").exists()
        import bm25s

        bm25 = bm25s.BM25.load(str(directory), mmap=True, show_progress=False) if has_terms else None
        return cls(ids, bm25, partial(_read_terms, directory / _TERMS_FILE), languages)

    def save(self, directory: Path) -> None:
        """Writes the index into a directory, which is created if necessary."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / _IDS_FILE).write_text(json.dumps(self.ids), "utf-8")
        written = {"terms": terms_version(self.languages), "languages": self.languages}
        (directory / _FORMAT_FILE).write_text(json.dumps(written), "utf-8")
        terms = self._terms()
        lengths = np.array([len(passage) for passage in terms], np.int32)
        np.savez(directory / _TERMS_FILE, flat=np.concatenate([np.empty(0, np.int32), *terms]), lengths=lengths)
        if self._bm25 is not None:
            self._bm25.save(str(directory), show_progress=False)

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {one: row for row, one in enumerate(self.ids)}

    @property
    def _vocabulary(self) -> Mapping[str, int]:
        return self._bm25.vocab_dict if self._bm25 else {}

    def query(self, text: str, k: int, allowed: npt.NDArray[np.bool_] | None = None) -> list[Hit]:
        """The k best passages that share a term with the text, best first, ties in the order of `ids`.

        `allowed`: for each passage of `ids` whether it may be found; None for all.
        """
        scores = self._scores(text)
        if scores is None or k < 1:
            return []
        matching = np.flatnonzero(scores > 0 if allowed is None else (scores > 0) & allowed)
        if matching.size > k:  # a common word matches nearly everything: sort only the best k
            matching = matching[scores[matching] >= np.partition(scores[matching], -k)[-k]]
        best = matching[np.argsort(-scores[matching], kind="stable")][:k]
        return [Hit(self.ids[i], float(scores[i])) for i in best]

    def scores(self, text: str, ids: Sequence[str]) -> dict[str, float]:
        """By id the score of these passages, 0 for one that shares no term with the text; unknown ids are skipped."""
        scores = self._scores(text)
        return {one: 0.0 if scores is None else float(scores[self._rows[one]]) for one in ids if one in self._rows}

    def _scores(self, text: str) -> npt.NDArray[np.float32] | None:
        """The score of each passage of `ids`; None if the text has no known term."""
        terms = [term for term in tokenize(text, self.languages) if term in self._vocabulary]
        return self._bm25.get_scores(terms) if self._bm25 and terms else None


def preload() -> None:
    """Imports bm25s, which the first index does otherwise: 0.1 s."""
    import_module("bm25s")


def _read_languages(file: Path) -> tuple[str, ...]:
    saved = json.loads(file.read_text("utf-8")) if file.exists() else {"terms": "1", "languages": []}
    languages = tuple(saved["languages"])
    if saved["terms"] != (present := terms_version(languages)):
        raise ValueError(f"its word index has terms of version {saved['terms']}, not {present}")
    return languages


def _numbers(text: str, vocabulary: dict[str, int], languages: Sequence[str]) -> Terms:
    """The text's terms as numbers; new terms are added to the vocabulary."""
    return np.array([vocabulary.setdefault(term, len(vocabulary)) for term in tokenize(text, languages)], np.int32)


def _split(flat: Terms, lengths: Sequence[int]) -> list[Terms]:
    return np.split(flat, np.cumsum(lengths)[:-1]) if lengths else []


def _read_terms(file: Path) -> list[Terms]:
    with np.load(file) as arrays:
        return _split(arrays["flat"], arrays["lengths"].tolist())
