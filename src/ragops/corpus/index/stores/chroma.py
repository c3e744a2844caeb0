"""A store in Chroma, embedded or on a server, with one collection for each set of groups.

A text is in the collection of the groups that may see at least one of its passages. A reader's search uses only the
collections that the reader may see. One collection with a filter would be 30 times slower: a `where` that most rows
match costs 100 ms at 20,000 rows, a search without one 3 ms. Embedded Chroma needs a
local disk, since its SQLite does not work on a volume or share.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from ragops.corpus.index.access import Groups, Reader, groups_key, visible
from ragops.corpus.index.passages import TextVector, Vector
from ragops.corpus.index.stores.interface import Hit, batched, check_batch

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection as ChromaCollection

# HNSW is written to disk only after `sync_threshold` changes; the others are replayed at every opening, 0.65 ms a row.
# So 100 costs a reader at most 65 ms, Chroma's default of 1000 0.65 s.
#
# Beside 5,000 similar texts (a sheet's rows, cosines of 0.98 to 1), Chroma's 16 neighbors and 100 candidates did not
# find 22 to 30 of 100 other texts by their own vector; 64 and 1,000 found all in 12 of 13 builds. Beside 20,000, 64
# neighbors and 100 candidates lost 41 of 100, 300 lost 13, 1,000 lost 3. That takes 25 % more space and, among 100,000
# texts, 9.7 ms of CPU a search, two thirds of the whole search.
COLLECTION_CONFIGURATION: CreateCollectionConfiguration = {
    "hnsw": {"space": "cosine", "sync_threshold": 100, "max_neighbors": 64, "ef_search": 1000}
}

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
        """The number of texts."""
        return sum(collection.count() for collection in self._collections.values())

    def texts(self) -> dict[str, Groups]:
        """All texts, by hash, with their groups; 20,000 take 0.05-0.1 s."""
        return {
            text_hash: groups
            for groups, collection in self._collections.items()
            for text_hash in collection.get(include=[])["ids"]
        }

    def get(self, texts: Sequence[str]) -> list[TextVector]:
        """Texts with vectors in this order; unknown ones are skipped."""
        found: dict[str, TextVector] = {}
        for part in batched(texts, self._rows_per_call):
            missing = set(part)
            for groups, collection in self._collections.items():
                if missing:  # each text is in one collection
                    rows = collection.get(ids=sorted(missing), include=["embeddings"])
                    vectors = np.asarray(rows["embeddings"], dtype=np.float32)
                    found |= {i: TextVector(i, groups, vector) for i, vector in zip(rows["ids"], vectors, strict=True)}
                    missing -= found.keys()
        return [found[text_hash] for text_hash in texts if text_hash in found]

    def upsert(self, texts: Sequence[TextVector]) -> None:
        """Deletes existing texts, then adds: 3 times faster than Chroma's upsert."""
        check_batch(texts)
        for part in batched(texts, self._rows_per_call):
            ids = [text.text_hash for text in part]
            for collection in self._collections.values():
                if stored := collection.get(ids=ids, include=[])["ids"]:
                    collection.delete(ids=stored)
            for groups, some in _by_groups(part).items():
                self._collection(groups).add(
                    ids=[text.text_hash for text in some], embeddings=np.stack([text.vector for text in some])
                )

    def delete(self, texts: Sequence[str]) -> None:
        """Removes texts; unknown ones are ignored."""
        for part in batched(texts, self._rows_per_call):
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


def preload() -> None:
    """Imports Chroma, which the first store does otherwise: 0.3 s."""
    import_module("chromadb")


def _client(directory: Path) -> Client:
    import chromadb  # 0.3 s, which publishing without changes does not need
    from chromadb.api.client import Client
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings

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


def _by_groups(texts: Sequence[TextVector]) -> dict[Groups, list[TextVector]]:
    parts: defaultdict[Groups, list[TextVector]] = defaultdict(list)
    for text in texts:
        parts[text.groups].append(text)
    return parts
