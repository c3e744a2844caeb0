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

from ragops.corpus.index.access import Groups, Reader, groups_from_key, groups_key, visible
from ragops.corpus.index.passages import TextVector, Vector
from ragops.corpus.index.stores.interface import Hit, batched, check_batch
from ragops.errors import UserError

_KEY = "text_hash"
_VECTOR = "vector"
_GROUPS = "groups"
_SCHEMA = {
    _KEY: "string",
    _GROUPS: "string",  # `groups_key`: one value per set of groups, "" for everybody
    _VECTOR: "array<float>",
}
_ROWS_PER_UPSERT = 500  # about 4 MB of JSON at 384 dimensions
_ROWS_PER_PAGE = 100
_MOST_RESULTS = 200  # of one query
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

        `group_sets`: the sets of groups that texts are restricted to; texts of other sets are not found.
        """
        self._indexes = client.vector_search_indexes
        self._name = name
        self._group_sets = {(), *group_sets}

    def count(self) -> int:
        """The number of texts that the index reports as searchable."""
        status = self._indexes.get_index(self._name).status
        return (status.indexed_row_count or 0) if status else 0

    def texts(self) -> dict[str, Groups]:
        """All texts, by hash, with their groups: by a scan in pages of 100, since the service has no projection."""
        found: dict[str, Groups] = {}
        last: str | None = None
        while True:
            page = self._indexes.scan_index(self._name, num_results=_ROWS_PER_PAGE, last_primary_key=last)
            if not page.data:
                return found
            for row in page.data:
                fields = {field.key or "": _plain(field) for field in row.fields or []}
                found[str(fields[_KEY])] = _groups(fields)
            last = page.last_primary_key

    def get(self, texts: Sequence[str]) -> list[TextVector]:
        """Texts with unit vectors in this order; unknown ones are skipped."""
        found = {row[_KEY]: row for row in self._rows(texts, [_KEY, _GROUPS, _VECTOR])}
        rows = [found[text_hash] for text_hash in texts if text_hash in found]
        return [TextVector(row[_KEY], _groups(row), np.asarray(row[_VECTOR], dtype=np.float32)) for row in rows]

    def upsert(self, texts: Sequence[TextVector]) -> None:
        """Writes texts, replacing earlier ones. Raises UserError if the service refuses some."""
        check_batch(texts)
        self._group_sets |= {text.groups for text in texts}
        for part in batched(texts, _ROWS_PER_UPSERT):
            rows = [_row(text) for text in part]
            answer = self._indexes.upsert_data_vector_index(self._name, json.dumps(rows, ensure_ascii=False))
            if answer.status is not UpsertDataStatus.SUCCESS:
                failed = (answer.result.failed_primary_keys if answer.result else None) or []
                raise UserError(f"AI Search index {self._name} refused {len(failed)} rows ({failed[:3]}); run again")

    def delete(self, texts: Sequence[str]) -> None:
        """Removes texts; unknown ones are ignored. Raises UserError if the service cannot delete some."""
        for part in batched(texts, _IDS_PER_DELETE):
            answer = self._indexes.delete_data_vector_index(self._name, part)
            if answer.status is not DeleteDataStatus.SUCCESS:
                raise UserError(f"AI Search index {self._name} did not delete all of {part[:3]}...; run this again")

    def query(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        """The k nearest texts by cosine that the reader may see, at most as many as the service returns."""
        seen = sorted(groups_key(groups) for groups in self._group_sets if visible(groups, reader))
        rows = self._query([_KEY], vector, min(k, _MOST_RESULTS), filters=None if reader is None else {_GROUPS: seen})
        return [Hit(row[_KEY], _cosine(float(row["score"]))) for row in rows]

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


def _row(text: TextVector) -> dict[str, Any]:
    return {_KEY: text.text_hash, _GROUPS: groups_key(text.groups), _VECTOR: _unit(text.vector)}


def _groups(row: Mapping[str, Any]) -> Groups:
    return groups_from_key(row.get(_GROUPS) or "")


def _plain(field: MapStringValueEntry) -> str | float | None:
    value = field.value
    return None if value is None else value.string_value if value.string_value is not None else value.number_value


def _unit(vector: Vector) -> list[float]:
    return [float(number) for number in vector / np.linalg.norm(vector)]


def _cosine(score: float) -> float:
    """From score = 1 / (1 + d^2) and, for unit vectors, d^2 = 2 - 2 cos."""
    return 1.0 - (1.0 / score - 1.0) / 2.0
