"""Not wired yet: Chroma behind HTTP (`chroma run`), one collection per generation, `docs__FINGERPRINT8__NUMBER`."""

from typing import cast

import chromadb
from chromadb.api.client import Client
from chromadb.config import Settings
from chromadb.errors import NotFoundError

from ragops.corpus.index.stores.chroma import COLLECTION_CONFIGURATION, ChromaStore
from ragops.errors import UserError

# Chroma's single-node guide recommends 50-250 rows per request.
_ROWS_PER_CALL = 250


def collection_name(fingerprint: str, number: int) -> str:
    """The name of a generation's collection; the pointer to the live one is outside the server."""
    return f"docs__{fingerprint[:8]}__{number}"


def create_on_server(host: str, port: int, name: str) -> ChromaStore:
    """An empty store in a new collection. Raises UserError if the server is down or has the collection."""
    client = _client(host, port)
    if name in {collection.name for collection in client.list_collections()}:
        client.close()
        raise UserError(f"Chroma at {host}:{port} already has a collection {name}; use the next number")
    configuration = COLLECTION_CONFIGURATION
    collection = client.create_collection(name, configuration=configuration, embedding_function=None)
    return ChromaStore(client, collection, _ROWS_PER_CALL)


def open_on_server(host: str, port: int, name: str) -> ChromaStore:
    """The store of a collection. Raises UserError if the server is down or does not have the collection."""
    client = _client(host, port)
    try:
        return ChromaStore(client, client.get_collection(name, embedding_function=None), _ROWS_PER_CALL)
    except NotFoundError as error:
        client.close()
        raise UserError(f"Chroma at {host}:{port} has no collection {name}; publish the index to it first") from error


def _client(host: str, port: int) -> Client:
    try:
        client = chromadb.HttpClient(host, port, settings=Settings(anonymized_telemetry=False))
    except ValueError as error:  # chromadb raises it if it cannot connect
        raise UserError(f"no Chroma server at {host}:{port}; start one with `chroma run`") from error
    return cast(Client, client)  # declared as ClientAPI, which lacks `close`
