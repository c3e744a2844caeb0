"""A loopback HTTP server that behaves like a direct-access AI Search index, including its refusals.

Paths, parameters and payload shapes are those of the REST reference of vector-search 2.0; the service measures L2.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from tests.support.http_server import QuietHandler, serve

TOKEN = "token-of-the-double"
_PREFIX = "/api/2.0/vector-search/indexes"


class Refused(Exception):
    """The service would not accept the request."""


class Index:
    """One index: its specification and rows."""

    def __init__(self, body: dict[str, Any]) -> None:
        spec = body["direct_access_index_spec"]
        self.body = body
        self.key = body["primary_key"]
        self.schema: dict[str, str] = json.loads(spec["schema_json"])
        self.vector: str = spec["embedding_vector_columns"][0]["name"]
        self.dimension: int = spec["embedding_vector_columns"][0]["embedding_dimension"]
        self.rows: dict[str, dict[str, Any]] = {}

    def describe(self) -> dict[str, Any]:
        return {**self.body, "status": {"ready": True, "indexed_row_count": len(self.rows)}}

    def upsert(self, body: dict[str, Any]) -> dict[str, Any]:
        rows = json.loads(body["inputs_json"])
        for row in rows:
            if row.keys() != self.schema.keys() or len(row[self.vector]) != self.dimension:
                raise Refused(f"row does not fit the schema: {sorted(row)}")
            if abs(np.linalg.norm(row[self.vector]) - 1.0) > 1e-3:
                raise Refused("a vector that is not normalized would be ranked wrongly by L2")
        self.rows |= {row[self.key]: row for row in rows}
        return {"status": "SUCCESS", "result": {"success_row_count": len(rows)}}

    def delete(self, keys: list[str]) -> dict[str, Any]:
        gone = [self.rows.pop(key) for key in keys if key in self.rows]
        return {"status": "SUCCESS", "result": {"success_row_count": len(gone)}}

    def query(self, body: dict[str, Any]) -> dict[str, Any]:
        vector = np.asarray(body["query_vector"], dtype=np.float32)
        if vector.shape != (self.dimension,) or not 1 <= body["num_results"] <= 200:
            raise Refused("query vector or num_results out of range")
        filters = json.loads(body.get("filters_json") or "{}")
        if unknown := filters.keys() - self.schema.keys():
            raise Refused(f"filter on a column that is not there: {unknown}")
        if any(self.schema[name].startswith("array") or allowed == [] for name, allowed in filters.items()):
            raise Refused("a filter takes columns of single values, and a list of values is not empty")
        wanted = {name: allowed if isinstance(allowed, list) else [allowed] for name, allowed in filters.items()}
        rows = [row for row in self.rows.values() if all(row[name] in wanted[name] for name in wanted)]
        scored = [(row, 1.0 / (1.0 + float(np.sum((np.asarray(row[self.vector]) - vector) ** 2)))) for row in rows]
        best = sorted(scored, key=lambda pair: -pair[1])[: body["num_results"]]
        columns = [*body["columns"], "score"]
        return {
            "manifest": {"column_count": len(columns), "columns": [{"name": name} for name in columns]},
            "result": {
                "row_count": len(best),
                "data_array": [[*(row[name] for name in body["columns"]), score] for row, score in best],
            },
        }

    def scan(self, body: dict[str, Any]) -> dict[str, Any]:
        keys = [key for key in sorted(self.rows) if key > body.get("last_primary_key", "")][: body["num_results"]]
        if not keys:
            return {}
        data = [{"fields": [_field(name, value) for name, value in self.rows[key].items()]} for key in keys]
        return {"data": data, "last_primary_key": keys[-1]}


def _field(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {"key": name}
    if isinstance(value, list):
        return {"key": name, "value": {"list_value": {"values": [{"number_value": number} for number in value]}}}
    return {"key": name, "value": {"string_value" if isinstance(value, str) else "number_value": value}}


class _Handler(QuietHandler):
    indexes: dict[str, Index]

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        try:
            status, answer = 200, self._route(body)
        except Refused as refused:
            status, answer = 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": str(refused)}
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815

    def _route(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            raise Refused("no token")
        url = urlsplit(self.path)
        if not url.path.startswith(_PREFIX):
            raise Refused(f"unknown path {url.path}")
        name, _, verb = url.path.removeprefix(_PREFIX).strip("/").partition("/")
        request = (self.command, verb)
        if request == ("POST", "") and not name:
            self.indexes[body["name"]] = Index(body)
            return body
        index = self.indexes[name]
        answers = {
            ("GET", ""): index.describe,
            ("POST", "upsert-data"): lambda: index.upsert(body),
            ("DELETE", "delete-data"): lambda: index.delete(parse_qs(url.query)["primary_keys"]),
            ("POST", "query"): lambda: index.query(body),
            ("POST", "scan"): lambda: index.scan(body),
        }
        if request not in answers:
            raise Refused(f"unknown request {request}")
        return answers[request]()


@contextmanager
def served() -> Iterator[str]:
    """The double's address while it runs."""
    with serve(_Handler, indexes={}) as address:
        yield address
