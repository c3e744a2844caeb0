"""Searching an index: opens what the pointer names from a copy on local disk, and follows when it moves."""

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

_LOG = logging.getLogger(__name__)

# After a failed opening the old generation serves, and the new one is tried again no sooner than this.
_RETRY_SECONDS = 10.0
# Where a look at the pointer is a request: so long between two, and a question waits no longer for one.
_LOOK_SECONDS = 30.0
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Opened:
    generation: Generation
    copy: LocalCopy

    def close(self) -> None:
        self.generation.close()
        self.copy.release()


class IndexReader:
    """Dense and lexical search over the live generation; may be shared by threads."""

    def __init__(self, index_root: Path, cache_directory: Path | None = None) -> None:
        """Opens the live generation; the first time on this machine that costs a copy (160 MB for 20,000 rows).

        Raises UserError when there is no index, or its pointer or generation cannot be read.
        """
        self._index = PublishedIndex(index_root)
        self._copies = LocalCopies(self._index, cache_directory or local_directory(index_root, "readers"))
        self._following, self._switching = threading.Lock(), threading.Lock()
        self._live = self._index.pointer()
        self._current = self._open(self._live.generation)
        self._retired: _Opened | None = None
        self._closed = False
        self._look_at = self._next_look()
        self._copies.prune()

    def generation(self) -> Generation:
        """The live generation, for the searches that answer one question; usable until the pointer moves twice.

        Where nothing is mounted the pointer is looked at every 30 seconds, and a new generation is fetched while the
        old one answers.
        """
        if time.monotonic() >= self._look_at:
            self._look()
        with self._switching:
            return self._current.generation

    @property
    def manifest(self) -> Manifest:
        """Of the generation that answers now."""
        return self.generation().manifest

    def check_encoder(self, fingerprint: str, name: str) -> None:
        """Raises UserError unless queries encoded by this model may be compared with the index's vectors."""
        self.generation().check_encoder(fingerprint, name)

    def dense(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        """The k nearest passages by cosine that the reader may see; `vector` float32 of shape (dimension,)."""
        return self.generation().dense(vector, k, reader)

    def lexical(self, text: str, k: int, reader: Reader = ()) -> list[Hit]:
        """The k best passages by BM25 that the reader may see."""
        return self.generation().lexical(text, k, reader)

    def entries(self, ids: Sequence[str]) -> list[Passage]:
        """The passages of these ids in that order; ids that the live generation no longer has are left out."""
        return self.generation().passages(ids)

    def close(self) -> None:
        """Closes what is open, so that its copies may be pruned; waits for a generation that is being fetched."""
        with self._following, self._switching:
            self._closed = True
            self._retire(None)
            self._current.close()

    def _look(self) -> None:
        if not self._index.remote:
            with self._following:
                self._follow()
            return
        self._look_at = self._next_look()  # at once, so that other questions go on
        follower = threading.Thread(target=self._follow_aside, name="index-follower", daemon=True)
        follower.start()
        follower.join(_PATIENCE_SECONDS)

    def _follow_aside(self) -> None:
        """Unless another thread is at it."""
        if self._following.acquire(blocking=False):
            try:
                if not self._closed:
                    self._follow()
            finally:
                self._following.release()

    def _follow(self) -> None:
        """Opens the new live generation when the pointer has moved; the old one stays when that fails."""
        try:
            pointer = self._index.pointer()
            if pointer == self._live:
                return
            opened = self._open(pointer.generation)
        except UserError as error:
            _LOG.warning("generation %s stays in use: %s", self._live.generation, error)
            self._look_at = max(self._next_look(), time.monotonic() + _RETRY_SECONDS)
            return
        with self._switching:
            self._retire(self._current)
            self._live, self._current = pointer, opened
        self._copies.prune()

    def _next_look(self) -> float:
        return time.monotonic() + (_LOOK_SECONDS if self._index.remote else 0.0)

    def _open(self, generation: str) -> _Opened:
        copy = self._copies.acquire(generation)
        try:
            return _Opened(Generation.open(copy.directory), copy)
        except UserError:
            copy.discard()
            raise

    def _retire(self, opened: _Opened | None) -> None:
        """Closes the generation before the one given: a search in another thread may still use that one."""
        if self._retired is not None:
            self._retired.close()
        self._retired = opened
