"""A Chroma collection as a Store; embedded and server differ only in how the collection is opened."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from chromadb.api.client import Client
from chromadb.api.collection_configuration import CreateCollectionConfiguration
from chromadb.api.models.Collection import Collection

from ragops.index.entries import Entry, Passage, Vector
from ragops.index.store import Hit, batched, check_batch

# HNSW is written to disk only past `sync_threshold` changes, the rest is replayed at every opening: 0.65 ms a row, so
# 100 costs a reader at most 65 ms, where Chroma's 1000 costs 0.65 s.
COLLECTION_CONFIGURATION: CreateCollectionConfiguration = {"hnsw": {"space": "cosine", "sync_threshold": 100}}

_PAGE_ROWS = 2000


class ChromaStore:
    """Store over one collection with cosine HNSW. The caller's client is closed with it."""

    def __init__(self, client: Client, collection: Collection, rows_per_call: int) -> None:
        self._client = client
        self._collection = collection
        self._rows_per_call = rows_per_call

    def count(self) -> int:
        """How many rows there are."""
        return self._collection.count()

    def ids(self) -> set[str]:
        """All ids; 20,000 take 0.05-0.1 s."""
        return set(self._collection.get(include=[])["ids"])

    def scan(self) -> Iterator[list[Passage]]:
        """All rows in pages of 2,000; by id, since an offset makes each page cost all pages before it."""
        for ids in batched(sorted(self.ids()), min(_PAGE_ROWS, self._rows_per_call)):
            yield self.passages(ids)

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Rows in the order asked, unknown ones left out."""
        found: dict[str, Passage] = {}
        for part in batched(ids, self._rows_per_call):
            rows = self._collection.get(ids=part, include=["documents", "metadatas"])
            found |= {passage.chunk_id: passage for passage in _passages(rows)}
        return [found[chunk_id] for chunk_id in ids if chunk_id in found]

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """Rows with vectors in the order asked, unknown ones left out."""
        found: dict[str, Entry] = {}
        for part in batched(ids, self._rows_per_call):
            rows = self._collection.get(ids=part, include=["documents", "metadatas", "embeddings"])
            vectors = np.asarray(rows["embeddings"], dtype=np.float32)
            for passage, vector in zip(_passages(rows), vectors, strict=True):
                found[passage.chunk_id] = passage.with_vector(vector)
        return [found[chunk_id] for chunk_id in ids if chunk_id in found]

    def upsert(self, entries: Sequence[Entry]) -> None:
        """Deletes what is there, then adds: 3 times faster than Chroma's upsert, and no old metadata key survives."""
        check_batch(entries)
        for part in batched(entries, self._rows_per_call):
            self.delete(self._collection.get(ids=[entry.chunk_id for entry in part], include=[])["ids"])
            self._collection.add(
                ids=[entry.chunk_id for entry in part],
                embeddings=np.stack([entry.vector for entry in part]),
                documents=[entry.text for entry in part],
                metadatas=[_without_none(entry.metadata()) for entry in part],
            )

    def update(self, entries: Sequence[Entry]) -> None:
        """Metadata only, where the text is as it should be; rows whose text was tampered with are written anew.

        Chroma merges metadata: a key goes only when it is set to None. It has no update of a text without its vector.
        """
        check_batch(entries)
        for part in batched(entries, self._rows_per_call):
            texts = {held.chunk_id: held.text for held in self.passages([entry.chunk_id for entry in part])}
            same = [entry for entry in part if texts.get(entry.chunk_id) == entry.text]
            self.upsert([entry for entry in part if texts.get(entry.chunk_id, entry.text) != entry.text])
            if same:
                self._collection.update(
                    ids=[entry.chunk_id for entry in same], metadatas=[entry.metadata() for entry in same]
                )

    def delete(self, ids: Sequence[str]) -> None:
        """Removes rows; unknown ids are passed over."""
        for part in batched(ids, self._rows_per_call):
            self._collection.delete(ids=part)

    def query(self, vector: Vector, k: int) -> list[Hit]:
        """Nearest by cosine (score = 1 - Chroma's cosine distance)."""
        found = self._collection.query(query_embeddings=vector[None, :], n_results=k, include=["distances"])
        distances = found["distances"] or [[]]
        return [Hit(chunk_id, 1.0 - distance) for chunk_id, distance in zip(found["ids"][0], distances[0], strict=True)]

    def close(self) -> None:
        """Closes the client."""
        self._client.close()


def _passages(rows: Mapping[str, Any]) -> list[Passage]:
    triples = zip(rows["ids"], rows["documents"], rows["metadatas"], strict=True)
    return [Passage.from_metadata(chunk_id, text, metadata) for chunk_id, text, metadata in triples]


def _without_none(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if value is not None}
