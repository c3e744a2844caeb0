"""A small generation in memory: exact search over vectors, real BM25, and passages of documents with groups."""

from collections.abc import Collection, Sequence

import numpy as np

from ragops.corpus.index.access import Reader, Restrictions, visible
from ragops.corpus.index.generations.generation import Generation, lexical_text
from ragops.corpus.index.generations.manifest import IndexedModel, Manifest
from ragops.corpus.index.passages import Entry, Passage, Vector
from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.corpus.index.stores.interface import Hit

DIMENSION = 8


class MemoryStore:
    """As much of a store as retrieval needs, without an index."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = {entry.chunk_id: entry for entry in entries}

    def get(self, ids: Sequence[str]) -> list[Entry]:
        return [self.entries[i] for i in ids if i in self.entries]

    passages = get

    def query(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        seen = [one for one in self.entries.values() if visible(one.groups, reader)]
        hits = [Hit(one.chunk_id, float(one.vector @ vector)) for one in seen]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    def neighbors(self, passage: Passage, ordinals: Collection[int]) -> list[Passage]:
        rows = [one for one in self.entries.values() if (one.doc_id, one.groups) == (passage.doc_id, passage.groups)]
        return sorted((one for one in rows if one.ordinal in ordinals), key=lambda one: one.ordinal)


def make_passage(
    number: int, text: str = "", doc: str = "d", section: str = "S", groups: tuple[str, ...] = ()
) -> Entry:
    vector = np.random.default_rng(number).standard_normal(DIMENSION)
    return Entry(
        chunk_id=f"{doc}{number:03d}",
        doc_id=doc,
        text=text or f"Text number{number} of a passage.",
        heading_path=("Title", section),
        title="Title",
        path=f"{doc}.md",
        page=None,
        ordinal=number,
        text_hash=f"{number:064x}",
        groups=groups,
        vector=(vector / np.linalg.norm(vector)).astype(np.float32),
    )


def make_generation(entries: Sequence[Entry]) -> Generation:
    model = IndexedModel(fingerprint="ab" * 32, name="m", dimension=DIMENSION)
    words = LexicalIndex.build([one.chunk_id for one in entries], [lexical_text(one) for one in entries])
    restrictions = Restrictions(words.ids, {one.chunk_id: one.groups for one in entries})
    manifest = Manifest(
        number=1,
        model=model,
        count=len(entries),
        source_version="x",
        parent=None,
        group_sets=len(restrictions.sets),
    )
    return Generation(manifest, MemoryStore(entries), words, restrictions)
