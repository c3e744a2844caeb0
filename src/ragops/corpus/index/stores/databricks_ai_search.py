"""Not wired yet: Databricks AI Search (formerly Vector Search), a direct-access index as a Store.

A reader's groups are a filter of the query, which the service applies during the search. Its HNSW measures L2, so unit
vectors are written and the score 1 / (1 + d^2) is converted to a cosine. New rows become searchable within seconds, not
immediately.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.vectorsearch import (
    DeleteDataStatus,
    DirectAccessVectorIndexSpec,
    EmbeddingVectorColumn,
    MapStringValueEntry,
    UpsertDataStatus,
    VectorIndexType,
)

from ragops.corpus.index.access import Groups, Reader, groups_key, visible
from ragops.corpus.index.passages import Entry, Passage, Vector
from ragops.corpus.index.stores.interface import Hit, batched, check_batch
from ragops.errors import UserError

_KEY = "chunk_id"
_VECTOR = "vector"
_GROUPS = "groups"
_SCHEMA = {
    _KEY: "string",
    "doc_id": "string",
    "text": "string",
    "heading_path": "string",  # a JSON list, since arrays of strings cannot be used in filters anyway
    "title": "string",
    "path": "string",
    "page": "int",
    "ordinal": "int",
    "text_hash": "string",
    _GROUPS: "string",  # `groups_key`: one value per set of groups, "" for everybody
    _VECTOR: "array<float>",
}
_PASSAGE_COLUMNS = [name for name in _SCHEMA if name != _VECTOR]
_ROWS_PER_UPSERT = 500  # about 4 MB of JSON at 384 dimensions
_ROWS_PER_PAGE = 100
_IDS_PER_DELETE = 50  # ids travel in the URL


def create_ai_search(client: WorkspaceClient, endpoint: str, name: str, dimension: int) -> "AISearchStore":
    """Creates a direct-access index (catalog.schema.name) on an endpoint; it accepts rows after some minutes."""
    client.vector_search_indexes.create_index(
        name=name,
        endpoint_name=endpoint,
        primary_key=_KEY,
        index_type=VectorIndexType.DIRECT_ACCESS,
        direct_access_index_spec=DirectAccessVectorIndexSpec(
            embedding_vector_columns=[EmbeddingVectorColumn(embedding_dimension=dimension, name=_VECTOR)],
            schema_json=json.dumps(_SCHEMA),
        ),
    )
    return AISearchStore(client, name)


class AISearchStore:
    """Store over one direct-access index; one index for each model fingerprint, updated in situ."""

    def __init__(self, client: WorkspaceClient, name: str, group_sets: Collection[Groups] = ()) -> None:
        """`name`: catalog.schema.index. The first use raises databricks-sdk's NotFound if it does not exist.

        `group_sets`: the sets of groups that passages are restricted to; passages of other sets are not found.
        """
        self._indexes = client.vector_search_indexes
        self._name = name
        self._group_sets = {(), *group_sets}

    def count(self) -> int:
        """The number of rows that the index reports as searchable."""
        status = self._indexes.get_index(self._name).status
        return (status.indexed_row_count or 0) if status else 0

    def ids(self) -> set[str]:
        """All ids, by a scan, since the service has no projection."""
        return {passage.chunk_id for page in self.scan() for passage in page}

    def scan(self) -> Iterator[list[Passage]]:
        """All rows in key order, in pages of 100."""
        last: str | None = None
        while True:
            page = self._indexes.scan_index(self._name, num_results=_ROWS_PER_PAGE, last_primary_key=last)
            if not page.data:
                return
            yield [_passage({field.key or "": _plain(field) for field in row.fields or []}) for row in page.data]
            last = page.last_primary_key

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Rows in the order of `ids`; unknown ids are skipped."""
        found = {row[_KEY]: _passage(row) for row in self._rows(ids, _PASSAGE_COLUMNS)}
        return [found[chunk_id] for chunk_id in ids if chunk_id in found]

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """Rows with unit vectors in the order of `ids`; unknown ids are skipped."""
        found = {row[_KEY]: row for row in self._rows(ids, [*_PASSAGE_COLUMNS, _VECTOR])}
        rows = [found[chunk_id] for chunk_id in ids if chunk_id in found]
        return [_passage(row).with_vector(np.asarray(row[_VECTOR], dtype=np.float32)) for row in rows]

    def upsert(self, entries: Sequence[Entry]) -> None:
        """Writes whole rows, absent values as nulls. Raises UserError if the service refuses some."""
        check_batch(entries)
        self._group_sets |= {entry.groups for entry in entries}
        for part in batched(entries, _ROWS_PER_UPSERT):
            rows = [_row(entry) for entry in part]
            answer = self._indexes.upsert_data_vector_index(self._name, json.dumps(rows, ensure_ascii=False))
            if answer.status is not UpsertDataStatus.SUCCESS:
                failed = (answer.result.failed_primary_keys if answer.result else None) or []
                raise UserError(f"AI Search index {self._name} refused {len(failed)} rows ({failed[:3]}); run again")

    def update(self, entries: Sequence[Entry]) -> None:
        """As `upsert`: the service has no partial write."""
        self.upsert(entries)

    def delete(self, ids: Sequence[str]) -> None:
        """Removes rows; unknown ids are ignored. Raises UserError if the service cannot delete some."""
        for part in batched(ids, _IDS_PER_DELETE):
            answer = self._indexes.delete_data_vector_index(self._name, part)
            if answer.status is not DeleteDataStatus.SUCCESS:
                raise UserError(f"AI Search index {self._name} did not delete all of {part[:3]}...; run this again")

    def query(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        """The k nearest rows by cosine that the reader may see."""
        seen = sorted(groups_key(groups) for groups in self._group_sets if visible(groups, reader))
        rows = self._query([_KEY], vector, k, filters=None if reader is None else {_GROUPS: seen})
        return [Hit(row[_KEY], _cosine(float(row["score"]))) for row in rows]

    def neighbors(self, passage: Passage, ordinals: Collection[int]) -> list[Passage]:
        """Rows of the passage's document and groups with these ordinals, in the document's order."""
        if not ordinals:
            return []
        filters = {"doc_id": passage.doc_id, "ordinal": sorted(ordinals), _GROUPS: groups_key(passage.groups)}
        rows = self._query(_PASSAGE_COLUMNS, self._anywhere(), len(ordinals), filters)
        return sorted((_passage(row) for row in rows), key=lambda row: row.ordinal)

    def close(self) -> None:
        """Does nothing: there are no open connections."""

    def _rows(self, ids: Sequence[str], columns: list[str]) -> Iterator[dict[str, Any]]:
        """Rows by id. The service has no lookup, so this is a search with a filter for the ids."""
        anywhere = self._anywhere()
        for part in batched(ids, _ROWS_PER_PAGE):
            yield from self._query(columns, anywhere, len(part), filters={_KEY: part})

    def _query(
        self, columns: list[str], vector: Vector, k: int, filters: Mapping[str, Any] | None
    ) -> list[dict[str, Any]]:
        answer = self._indexes.query_index(
            self._name,
            columns=columns,
            query_vector=_unit(vector),
            num_results=k,
            filters_json=json.dumps(filters) if filters else None,
        )
        names = [column.name or "" for column in (answer.manifest.columns if answer.manifest else None) or []]
        rows = (answer.result.data_array if answer.result else None) or []
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _anywhere(self) -> Vector:
        spec = self._indexes.get_index(self._name).direct_access_index_spec
        columns = (spec.embedding_vector_columns if spec else None) or []
        return np.ones((columns[0].embedding_dimension or 0) if columns else 0, dtype=np.float32)


def _row(entry: Entry) -> dict[str, Any]:
    headings = json.dumps(entry.heading_path, ensure_ascii=False)
    values = {_KEY: entry.chunk_id, "text": entry.text, **entry.metadata(), "heading_path": headings}
    return values | {_GROUPS: groups_key(entry.groups), _VECTOR: _unit(entry.vector)}


def _passage(row: Mapping[str, Any]) -> Passage:
    headings = json.loads(row.get("heading_path") or "[]")
    groups = tuple(json.loads(row.get(_GROUPS) or "[]"))
    return Passage.from_metadata(str(row[_KEY]), row.get("text"), {**row, "heading_path": headings}, groups)


def _plain(field: MapStringValueEntry) -> str | float | None:
    value = field.value
    return None if value is None else value.string_value if value.string_value is not None else value.number_value


def _unit(vector: Vector) -> list[float]:
    return [float(number) for number in vector / np.linalg.norm(vector)]


def _cosine(score: float) -> float:
    """From score = 1 / (1 + d^2) and, for unit vectors, d^2 = 2 - 2 cos."""
    return 1.0 - (1.0 / score - 1.0) / 2.0
