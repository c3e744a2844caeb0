"""Chroma inside this process, on a directory of a local disk (its SQLite does not work on a volume or share)."""

from pathlib import Path
from typing import cast

import chromadb
from chromadb.api.client import Client
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings

from ragops.corpus.index.stores.chroma import COLLECTION_CONFIGURATION, ChromaStore

_COLLECTION = "docs"


def create_embedded(directory: Path) -> ChromaStore:
    """An empty store in a new or empty directory."""
    client = _client(directory)
    collection = client.create_collection(_COLLECTION, configuration=COLLECTION_CONFIGURATION, embedding_function=None)
    return ChromaStore(client, collection, client.get_max_batch_size())


def open_embedded(directory: Path) -> ChromaStore:
    """A store made by `create_embedded`. Opening writes into the SQLite file: open copies, never a published one.

    Raises chromadb's NotFoundError or InternalError when there is none or it is damaged.
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
        # Chroma 1.5.9 keeps what it failed to start, and every later client on this path would get that.
        SharedSystemClient._identifier_to_system.pop(str(directory), None)
        raise
    return cast(Client, client)  # declared as ClientAPI, which lacks `close`
