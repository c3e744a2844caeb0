"""Searching an index: opens a local copy of the live generation, and follows the pointer when it moves."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragops.corpus.index.access import Reader
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.manifest import Manifest
from ragops.corpus.index.generations.published_files import PublishedIndex, local_directory
from ragops.corpus.index.passages import Passage, Vector
from ragops.corpus.index.reading.local_copies import LocalCopies, LocalCopy
from ragops.corpus.index.stores.interface import Hit
from ragops.errors import UserError

_log = logging.getLogger(__name__)

# If the new generation cannot be opened, the old one stays in use, and the new one is tried again after this time.
_RETRY_SECONDS = 10.0
# Where reading the pointer is a request: the time between two, and how long a question waits for one.
_CHECK_SECONDS = 30.0
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Opened:
    generation: Generation
    copy: LocalCopy

    def close(self) -> None:
        self.generation.close()
        self.copy.release()


class IndexReader:
    """Dense and lexical search over the live generation. Thread-safe."""

    def __init__(self, index_root: Path, cache_directory: Path | None = None) -> None:
        """Opens the live generation; the first time on this machine, copies it (160 MB for 20,000 rows).

        Raises:
            UserError: there is no index, or its pointer or generation cannot be read.
        """
        self._index = PublishedIndex(index_root)
        self._copies = LocalCopies(self._index, cache_directory or local_directory(index_root, "readers"))
        self._following, self._switching = threading.Lock(), threading.Lock()
        self._live = self._index.pointer()
        self._current = self._open(self._live.generation)
        self._retired: _Opened | None = None
        self._closed = False
        self._check_at = self._next_check()
        self._copies.prune()

    def generation(self) -> Generation:
        """The live generation, for the searches of one question; usable until the pointer has moved twice.

        Where the volume is not mounted, the pointer is read every 30 seconds, and a new generation is fetched while
        the old one answers.
        """
        if time.monotonic() >= self._check_at:
            self._check_pointer()
        with self._switching:
            return self._current.generation

    @property
    def manifest(self) -> Manifest:
        """The manifest of the generation in use."""
        return self.generation().manifest

    def check_encoder(self, fingerprint: str, name: str) -> None:
        """Raises UserError unless the index's vectors are of this model."""
        self.generation().check_encoder(fingerprint, name)

    def dense(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        """The k nearest texts by cosine that the reader may see; `vector` float32 of shape (dimension,)."""
        return self.generation().dense(vector, k, reader)

    def lexical(self, text: str, k: int, reader: Reader = ()) -> list[Hit]:
        """The k best texts by BM25 that the reader may see."""
        return self.generation().lexical(text, k, reader)

    def entries(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids in this order; ids that the live generation does not have are skipped."""
        return self.generation().passages(ids)

    def close(self) -> None:
        """Closes all generations, so that their copies can be pruned; waits for one that is being fetched."""
        with self._following, self._switching:
            self._closed = True
            self._retire(None)
            self._current.close()

    def _check_pointer(self) -> None:
        if not self._index.remote:
            with self._following:
                self._follow()
            return
        self._check_at = self._next_check()  # set first, so that other questions do not wait
        follower = threading.Thread(target=self._follow_in_background, name="index-follower", daemon=True)
        follower.start()
        follower.join(_PATIENCE_SECONDS)

    def _follow_in_background(self) -> None:
        """Follows the pointer unless another thread is doing so."""
        if self._following.acquire(blocking=False):
            try:
                if not self._closed:
                    self._follow()
            finally:
                self._following.release()

    def _follow(self) -> None:
        """Opens the new live generation if the pointer has moved; keeps the old one if that fails."""
        try:
            pointer = self._index.pointer()
            if pointer == self._live:
                return
            opened = self._open(pointer.generation)
        except UserError as error:
            _log.warning("generation %s stays in use: %s", self._live.generation, error)
            self._check_at = max(self._next_check(), time.monotonic() + _RETRY_SECONDS)
            return
        with self._switching:
            self._retire(self._current)
            self._live, self._current = pointer, opened
        self._copies.prune()

    def _next_check(self) -> float:
        return time.monotonic() + (_CHECK_SECONDS if self._index.remote else 0.0)

    def _open(self, generation: str) -> _Opened:
        copy = self._copies.acquire(generation)
        try:
            return _Opened(Generation.open(copy.directory), copy)
        except UserError:
            copy.discard()
            raise

    def _retire(self, opened: _Opened | None) -> None:
        """Closes the previously retired generation; a search in another thread may still use the one given."""
        if self._retired is not None:
            self._retired.close()
        self._retired = opened
