"""A store in Chroma, embedded or on a server, with one collection for each set of groups.

A reader's search uses only the collections that the reader may see. One collection with a filter would be 30 times
slower: a `where` that most rows match costs 100 ms at 20,000 rows, a search without one 3 ms. Embedded Chroma needs a
local disk, since its SQLite does not work on a volume or share.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import chromadb
import numpy as np
from chromadb.api.client import Client
from chromadb.api.collection_configuration import CreateCollectionConfiguration
from chromadb.api.models.Collection import Collection as ChromaCollection
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings

from ragops.corpus.index.access import Groups, Reader, groups_key, visible
from ragops.corpus.index.passages import Entry, Passage, Vector
from ragops.corpus.index.stores.interface import Hit, batched, check_batch

# HNSW is written to disk only after `sync_threshold` changes; the others are replayed at every opening, 0.65 ms a row.
# So 100 costs a reader at most 65 ms, Chroma's default of 1000 0.65 s.
COLLECTION_CONFIGURATION: CreateCollectionConfiguration = {"hnsw": {"space": "cosine", "sync_threshold": 100}}

_PAGE_ROWS = 2000
_GROUPS = "groups"
_COLLECTION = "docs"


class ChromaStore:
    """Store with cosine HNSW. Closing it closes the caller's client."""

    def __init__(self, client: Client, collection: ChromaCollection, rows_per_call: int) -> None:
        """`collection`: the one for everybody; the names of the groups' collections are derived from its name."""
        self._client = client
        self._name = collection.name
        self._rows_per_call = rows_per_call
        self._collections: dict[Groups, ChromaCollection] = {(): collection}
        for other in client.list_collections():
            if other.name.startswith(f"{self._name}__groups-"):
                groups = tuple(json.loads((other.metadata or {})[_GROUPS]))
                # Listed collections have an embedding function, which would load a model.
                self._collections[groups] = client.get_collection(other.name, embedding_function=None)

    def count(self) -> int:
        """The number of rows."""
        return sum(collection.count() for collection in self._collections.values())

    def ids(self) -> set[str]:
        """All ids; 20,000 take 0.05-0.1 s."""
        return {chunk_id for collection in self._collections.values() for chunk_id in collection.get(include=[])["ids"]}

    def scan(self) -> Iterator[list[Passage]]:
        """All rows in pages of 2,000; by id, since an offset makes each page as slow as all pages before it."""
        for ids in batched(sorted(self.ids()), min(_PAGE_ROWS, self._rows_per_call)):
            yield self.passages(ids)

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Rows in the order of `ids`; unknown ids are skipped."""
        found: dict[str, Passage] = {}
        for groups, rows in self._rows(ids, ["documents", "metadatas"]):
            found |= {passage.chunk_id: passage for passage in _passages(rows, groups)}
        return [found[chunk_id] for chunk_id in ids if chunk_id in found]

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """Rows with vectors in the order of `ids`; unknown ids are skipped."""
        found: dict[str, Entry] = {}
        for groups, rows in self._rows(ids, ["documents", "metadatas", "embeddings"]):
            vectors = np.asarray(rows["embeddings"], dtype=np.float32)
            for passage, vector in zip(_passages(rows, groups), vectors, strict=True):
                found[passage.chunk_id] = passage.with_vector(vector)
        return [found[chunk_id] for chunk_id in ids if chunk_id in found]

    def neighbors(self, passage: Passage, ordinals: Collection[int]) -> list[Passage]:
        """Rows of the passage's document and groups with these ordinals, in the document's order."""
        collection = self._collections.get(passage.groups)
        if collection is None or not ordinals:
            return []
        where: dict[str, Any] = {"$and": [{"doc_id": passage.doc_id}, {"ordinal": {"$in": sorted(ordinals)}}]}
        rows = collection.get(where=where, include=["documents", "metadatas"])
        return sorted(_passages(rows, passage.groups), key=lambda row: row.ordinal)

    def upsert(self, entries: Sequence[Entry]) -> None:
        """Deletes existing rows, then adds: 3 times faster than Chroma's upsert, and no old metadata key survives."""
        check_batch(entries)
        for part in batched(entries, self._rows_per_call):
            for collection in self._collections.values():
                if stored := collection.get(ids=[entry.chunk_id for entry in part], include=[])["ids"]:
                    collection.delete(ids=stored)
            for groups, rows in _by_groups(part).items():
                self._collection(groups).add(
                    ids=[entry.chunk_id for entry in rows],
                    embeddings=np.stack([entry.vector for entry in rows]),
                    documents=[entry.text for entry in rows],
                    metadatas=[_without_none(entry.metadata()) for entry in rows],
                )

    def update(self, entries: Sequence[Entry]) -> None:
        """Updates only metadata if text and groups are unchanged; other rows are replaced.

        Chroma merges metadata, so a key is removed only by setting it to None. It cannot update a text without its
        vector.
        """
        check_batch(entries)
        for part in batched(entries, self._rows_per_call):
            stored = {row.chunk_id: row for row in self.passages([entry.chunk_id for entry in part])}
            there = [(entry, stored[entry.chunk_id]) for entry in part if entry.chunk_id in stored]
            self.upsert([new for new, old in there if (new.text, new.groups) != (old.text, old.groups)])
            same = [new for new, old in there if (new.text, new.groups) == (old.text, old.groups)]
            for groups, rows in _by_groups(same).items():
                self._collections[groups].update(
                    ids=[entry.chunk_id for entry in rows], metadatas=[entry.metadata() for entry in rows]
                )

    def delete(self, ids: Sequence[str]) -> None:
        """Removes rows; unknown ids are ignored."""
        for part in batched(ids, self._rows_per_call):
            for collection in self._collections.values():
                collection.delete(ids=part)

    def query(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        """Nearest by cosine (score = 1 - Chroma's cosine distance), in the collections that the reader may see."""
        seen = [collection for groups, collection in self._collections.items() if visible(groups, reader)]
        hits = [hit for collection in seen for hit in _nearest(collection, vector, k)]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    def close(self) -> None:
        """Closes the client and its files or connections."""
        self._client.close()

    def _rows(self, ids: Sequence[str], include: list[Any]) -> Iterator[tuple[Groups, Mapping[str, Any]]]:
        """The rows with these ids by their groups; each id is in one collection."""
        for part in batched(ids, self._rows_per_call):
            missing = set(part)
            for groups, collection in self._collections.items():
                if missing:
                    rows = collection.get(ids=sorted(missing), include=include)
                    missing -= set(rows["ids"])
                    yield groups, rows

    def _collection(self, groups: Groups) -> ChromaCollection:
        if groups not in self._collections:
            digest = hashlib.sha256(groups_key(groups).encode()).hexdigest()[:16]
            self._collections[groups] = self._client.create_collection(
                f"{self._name}__groups-{digest}",
                configuration=COLLECTION_CONFIGURATION,
                metadata={_GROUPS: groups_key(groups)},
                embedding_function=None,
            )
        return self._collections[groups]


def create_embedded(directory: Path) -> ChromaStore:
    """An empty store in a new or empty directory."""
    client = _client(directory)
    collection = client.create_collection(_COLLECTION, configuration=COLLECTION_CONFIGURATION, embedding_function=None)
    return ChromaStore(client, collection, client.get_max_batch_size())


def open_embedded(directory: Path) -> ChromaStore:
    """Opens a store made by `create_embedded`. This writes into its SQLite file, so open only copies of published ones.

    Raises chromadb's NotFoundError or InternalError if it does not exist or is damaged.
    """
    client = _client(directory)
    try:
        collection = client.get_collection(_COLLECTION, embedding_function=None)
    except Exception:
        client.close()
        raise
    return ChromaStore(client, collection, client.get_max_batch_size())


def _client(directory: Path) -> Client:
    try:
        client = chromadb.PersistentClient(str(directory), settings=Settings(anonymized_telemetry=False))
    except Exception:
        # Chroma 1.5.9 keeps a system that failed to start, and returns it to every later client on this path.
        SharedSystemClient._identifier_to_system.pop(str(directory), None)
        raise
    return cast(Client, client)  # declared as ClientAPI, which lacks `close`


def _nearest(collection: ChromaCollection, vector: Vector, k: int) -> list[Hit]:
    found = collection.query(query_embeddings=vector[None, :], n_results=k, include=["distances"])
    distances = found["distances"] or [[]]
    return [Hit(chunk_id, 1.0 - distance) for chunk_id, distance in zip(found["ids"][0], distances[0], strict=True)]


def _by_groups(entries: Sequence[Entry]) -> dict[Groups, list[Entry]]:
    parts: defaultdict[Groups, list[Entry]] = defaultdict(list)
    for entry in entries:
        parts[entry.groups].append(entry)
    return parts


def _passages(rows: Mapping[str, Any], groups: Groups) -> list[Passage]:
    triples = zip(rows["ids"], rows["documents"], rows["metadatas"], strict=True)
    return [Passage.from_metadata(chunk_id, text, metadata, groups) for chunk_id, text, metadata in triples]


def _without_none(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if value is not None}
