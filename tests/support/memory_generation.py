"""A small generation in memory: exact search over vectors, real BM25, and passages of documents with groups."""

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ragops.corpus.index.access import Groups, Reader, Restrictions, united, visible
from ragops.corpus.index.generations.generation import Generation, lexical_text
from ragops.corpus.index.generations.manifest import FORMAT, IndexedModel, Manifest
from ragops.corpus.index.passages import Entry, Passage, TextVector, Vector
from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.corpus.index.stores.interface import Hit
from ragops.corpus.index.stores.passage_table import PassageTable, create_tables, write_passages

DIMENSION = 8


class MemoryStore:
    """As much of a store as reading an index needs, without a graph; texts in `lost` are not found."""

    def __init__(self, texts: Sequence[TextVector], lost: Sequence[str] = ()) -> None:
        self.rows, self.lost = {text.text_hash: text for text in texts}, frozenset(lost)

    def get(self, texts: Sequence[str]) -> list[TextVector]:
        return [self.rows[text] for text in texts if text in self.rows]

    def texts(self) -> dict[str, Groups]:
        return {text: row.groups for text, row in self.rows.items()}

    def query(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        found = [one for text, one in self.rows.items() if text not in self.lost and visible(one.groups, reader)]
        length = np.linalg.norm(vector)
        hits = [Hit(one.text_hash, float(one.vector @ vector / np.linalg.norm(one.vector) / length)) for one in found]
        return sorted(hits, key=lambda hit: -hit.score)[:k]


def passage_table(passages: Sequence[Passage]) -> PassageTable:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    create_tables(connection)
    write_passages(connection, passages)
    return PassageTable(connection)


def texts_of(entries: Sequence[Entry]) -> list[TextVector]:
    """The distinct texts of these passages, as a store contains them."""
    groups: defaultdict[str, list[Groups]] = defaultdict(list)
    for one in entries:
        groups[one.text_hash].append(one.groups)
    vectors = {one.text_hash: one.vector for one in reversed(entries)}
    return [TextVector(text, united(of_passages), vectors[text]) for text, of_passages in groups.items()]


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
        text_hash=hashlib.sha256(f"{doc} {number}".encode()).hexdigest(),
        groups=groups,
        vector=(vector / np.linalg.norm(vector)).astype(np.float32),
    )


def make_generation(entries: Sequence[Entry]) -> Generation:
    model = IndexedModel(fingerprint="ab" * 32, name="m", dimension=DIMENSION)
    table, texts = passage_table(entries), texts_of(entries)
    firsts = table.of_texts(sorted(text.text_hash for text in texts), reader=None)
    words = LexicalIndex.build([one.text_hash for one in firsts], [lexical_text(one) for one in firsts])
    restrictions = Restrictions(words.ids, table.texts())
    manifest = Manifest(
        number=1,
        model=model,
        count=len(entries),
        source_version="x",
        parent=None,
        group_sets=len(restrictions.sets),
        format=FORMAT,
    )
    return Generation(manifest, MemoryStore(texts), words, restrictions, table)
